package hdf5

import "bytes"

// The shape of a group's symbol table, as the HDF5 library chooses it: a leaf
// (symbol node) holds up to 2 leafK links, an inner node up to 2 internalK children.
const (
	leafK     = 4
	internalK = 16

	symbolSize     = 40
	symbolNodeSize = 8 + 2*leafK*symbolSize
	treeNodeSize   = 24 + 2*internalK*8 + (2*internalK+1)*8
)

// symbol is one link of a group: a symbol table entry (section III.C).
type symbol struct {
	name uint64 // offset in the group's local heap
	place
	group bool // tree and heap are cached in the entry
}

func (s symbol) encode(b []byte) {
	le.PutUint64(b, s.name)
	le.PutUint64(b[8:], s.header)
	if s.group {
		le.PutUint32(b[16:], 1)
		le.PutUint64(b[24:], s.tree)
		le.PutUint64(b[32:], s.place.heap)
	}
}

// branch is a node of the tree under construction: its address and the offset
// of the last name below it.
type branch struct{ addr, last uint64 }

// groupTree places the symbol nodes and the B-tree of version 1 (section
// III.A.1) over entries, which are sorted by name, and returns the root.
//
// It is built bottom up. Key 0 of the leftmost node is the empty name, and each
// other key is the last name of the child before it.
func (w *writer) groupTree(entries []symbol) uint64 {
	var level []branch
	for len(entries) > 0 {
		n := min(2*leafK, len(entries))
		addr, b := w.alloc(symbolNodeSize)
		copy(b, "SNOD\x01")
		le.PutUint16(b[6:], uint16(n))
		for i, e := range entries[:n] {
			e.encode(b[8+symbolSize*i:])
		}
		level = append(level, branch{addr, entries[n-1].name})
		entries = entries[n:]
	}
	for height := 0; ; height++ {
		nodes := max(1, (len(level)+2*internalK-1)/(2*internalK))
		var above []branch
		var first uint64
		last := uint64(0)
		for k := range nodes {
			children := level[2*internalK*k : min(2*internalK*(k+1), len(level))]
			addr, b := w.alloc(treeNodeSize)
			if k == 0 {
				first = addr
			}
			copy(b, "TREE")
			b[5] = byte(height)
			le.PutUint16(b[6:], uint16(len(children)))
			le.PutUint64(b[8:], undefined)
			le.PutUint64(b[16:], undefined)
			if k > 0 {
				le.PutUint64(b[8:], first+uint64((k-1)*treeNodeSize))
			}
			if k < nodes-1 {
				le.PutUint64(b[16:], first+uint64((k+1)*treeNodeSize))
			}
			le.PutUint64(b[24:], last)
			for i, c := range children {
				last = c.last
				le.PutUint64(b[32+16*i:], c.addr)
				le.PutUint64(b[40+16*i:], last)
			}
			above = append(above, branch{addr, last})
		}
		if nodes == 1 {
			return above[0].addr
		}
		level = above
	}
}

// link is a name and the header of what it leads to.
type link struct {
	name string
	addr uint64
}

// symbolTable reads the links of a group from its B-tree and local heap.
func (r *reader) symbolTable(message []byte) ([]link, error) {
	if len(message) < 16 {
		return nil, broken("symbol table message of %d bytes", len(message))
	}
	heap, err := r.localHeap(le.Uint64(message[8:]))
	if err != nil {
		return nil, err
	}
	t := symbolTable{reader: r, heap: heap}
	if err := t.node(le.Uint64(message), -1); err != nil {
		return nil, err
	}
	return t.links, nil
}

type symbolTable struct {
	*reader
	heap  []byte
	last  []byte // the name before: names must rise
	links []link
}

// node walks the B-tree node at addr, which must be of that height; -1 is any.
func (t *symbolTable) node(addr uint64, height int) error {
	b, err := t.once(addr, 24, "B-tree node")
	if err != nil {
		return err
	}
	children := int(le.Uint16(b[6:]))
	if string(b[:5]) != "TREE\x00" || height >= 0 && int(b[5]) != height || children > 2*t.internalK {
		return broken("no B-tree node of a group at %d", addr)
	}
	height = int(b[5])
	if b, err = t.bytes(addr+24, 8+16*uint64(children)); err != nil {
		return err
	}
	for i := range children {
		child := le.Uint64(b[8+16*i:])
		if height > 0 {
			err = t.node(child, height-1)
		} else {
			err = t.leaf(child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf reads the symbol node at addr (section III.B).
func (t *symbolTable) leaf(addr uint64) error {
	b, err := t.once(addr, 8, "symbol node")
	if err != nil {
		return err
	}
	n := int(le.Uint16(b[6:]))
	if string(b[:5]) != "SNOD\x01" || n > 2*t.leafK {
		return broken("no symbol node at %d", addr)
	}
	if b, err = t.bytes(addr+8, uint64(n)*symbolSize); err != nil {
		return err
	}
	for ; n > 0; n-- {
		name, err := heapName(t.heap, le.Uint64(b))
		if err != nil {
			return err
		}
		if bytes.Compare(name, t.last) <= 0 {
			return broken("link %q follows %q", name, t.last)
		}
		t.last = name
		if le.Uint32(b[16:]) == 2 {
			return unsupported("soft link %q", name)
		}
		if err := t.charge(len(name) + 64); err != nil {
			return err
		}
		t.links = append(t.links, link{string(name), le.Uint64(b[8:])})
		b = b[symbolSize:]
	}
	return nil
}
