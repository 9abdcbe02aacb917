package hdf5

import "math/bits"

// linkMessage reads a link message (section IV.A.2.g).
func (r *reader) linkMessage(h *header, b []byte) error {
	if len(b) < 2 || b[0] != 1 {
		return broken("link message")
	}
	flags, at := b[1], 2
	kind := byte(0)
	if flags&8 != 0 && at < len(b) {
		kind = b[at]
		at++
	}
	if flags&4 != 0 {
		at += 8 // creation order
	}
	if flags&16 != 0 {
		at++ // character set of the name
	}
	width := 1 << (flags & 3)
	if len(b) < at+width {
		return broken("link message cut short")
	}
	size := littleEndian(b[at : at+width])
	b = b[at+width:]
	if size == 0 || size > uint64(len(b)) {
		return broken("link name of %d bytes", size)
	}
	name := string(b[:size])
	switch b = b[size:]; {
	case kind == 1:
		return unsupported("soft link %q", name)
	case kind == 64:
		return unsupported("external link %q", name)
	case kind != 0:
		return unsupported("link %q of kind %d", name, kind)
	case len(b) < 8:
		return broken("link %q without an address", name)
	}
	if err := r.charge(len(name) + 64); err != nil {
		return err
	}
	h.links = append(h.links, link{name, le.Uint64(b)})
	return nil
}

// denseLinks reads the links of a group that keeps them in a fractal heap.
func (r *reader) denseLinks(h *header) error {
	heap, tree, err := denseAddresses(h.denseLink, 8)
	if err != nil || heap == undefined {
		return err
	}
	// Records of a tree of type 5 are a hash of the name and the heap ID.
	return r.dense(heap, tree, 5, 4, func(b []byte) error { return r.linkMessage(h, b) })
}

// denseAttributes reads the attributes of an object that keeps them in a fractal heap.
func (r *reader) denseAttributes(h *header) error {
	heap, tree, err := denseAddresses(h.denseAttr, 2)
	if err != nil || heap == undefined {
		return err
	}
	// Records of a tree of type 8 begin with the heap ID.
	return r.dense(heap, tree, 8, 0, func(b []byte) error { return r.attribute(h, b) })
}

// denseAddresses reads a link info or attribute info message: where the heap
// and the tree by name lie. order is the size of its greatest creation order.
func denseAddresses(b []byte, order int) (heap, tree uint64, err error) {
	at := 2
	if len(b) >= 2 && b[1]&1 != 0 {
		at += order
	}
	if len(b) < at+16 || b[0] != 0 {
		return 0, 0, broken("link or attribute info message of %d bytes", len(b))
	}
	return le.Uint64(b[at:]), le.Uint64(b[at+8:]), nil
}

// dense calls visit for each object of the fractal heap that the tree lists;
// the heap ID is at byte idAt of a record.
func (r *reader) dense(heapAddr, treeAddr uint64, kind byte, idAt int, visit func([]byte) error) error {
	heap, err := r.fractalHeap(heapAddr)
	if err != nil {
		return err
	}
	return r.tree2(treeAddr, kind, func(record []byte) error {
		if len(record) < idAt+heap.idSize {
			return broken("records of %d bytes in the B-tree at %d", len(record), treeAddr)
		}
		object, err := heap.object(record[idAt : idAt+heap.idSize])
		if err != nil {
			return err
		}
		return visit(object)
	})
}

// tree2 walks the B-tree of version 2 whose header is at addr (section III.A.2).
func (r *reader) tree2(addr uint64, kind byte, visit func(record []byte) error) error {
	b, err := r.once(addr, 38, "B-tree")
	if err != nil {
		return err
	}
	if b, err = checked(b, "B-tree", addr); err != nil {
		return err
	}
	if string(b[:5]) != "BTHD\x00" || b[5] != kind {
		return broken("no B-tree of type %d at %d", kind, addr)
	}
	t := tree2{
		reader: r, kind: kind, visit: visit,
		nodeSize: uint64(le.Uint32(b[6:])), recordSize: uint64(le.Uint16(b[10:])),
	}
	depth, root, count := int(le.Uint16(b[12:])), le.Uint64(b[16:]), uint64(le.Uint16(b[24:]))
	if t.recordSize == 0 || t.nodeSize < 16+t.recordSize || depth > 16 {
		return broken("B-tree at %d with records of %d bytes, nodes of %d, depth %d", addr, t.recordSize, t.nodeSize, depth)
	}
	if root == undefined {
		return nil
	}
	// How many bytes a child's counts take follows from what a node can hold.
	const overhead = 10
	leafMax := (t.nodeSize - overhead) / t.recordSize
	t.countSize = limitSize(leafMax)
	t.totalSize = []uint64{0}
	total := leafMax
	for level := 1; level <= depth; level++ {
		pointer := 8 + t.countSize + t.totalSize[level-1]
		if t.nodeSize < overhead+pointer {
			return broken("B-tree at %d with nodes of %d bytes", addr, t.nodeSize)
		}
		most := (t.nodeSize - overhead - pointer) / (t.recordSize + pointer)
		total = min((most+1)*total+most, 1<<40)
		t.totalSize = append(t.totalSize, limitSize(total))
	}
	return t.node(root, count, depth)
}

// limitSize is how many bytes a number of up to most takes.
func limitSize(most uint64) uint64 { return uint64(bits.Len64(most)-1)/8 + 1 }

type tree2 struct {
	*reader
	kind       byte
	visit      func([]byte) error
	nodeSize   uint64
	recordSize uint64
	countSize  uint64   // bytes of a child's number of records
	totalSize  []uint64 // bytes of the number of records below a child, by its height
}

// node walks the node at addr, which holds count records and has that height.
func (t *tree2) node(addr, count uint64, height int) error {
	size := 6 + count*t.recordSize + 4
	pointer := uint64(0)
	if height > 0 {
		pointer = 8 + t.countSize + t.totalSize[height-1]
		size += (count + 1) * pointer
	}
	if size > t.nodeSize {
		return broken("B-tree node at %d with %d records", addr, count)
	}
	b, err := t.once(addr, size, "B-tree node")
	if err != nil {
		return err
	}
	if b, err = checked(b, "B-tree node", addr); err != nil {
		return err
	}
	want := "BTLF\x00"
	if height > 0 {
		want = "BTIN\x00"
	}
	if string(b[:5]) != want || b[5] != t.kind {
		return broken("no B-tree node at %d", addr)
	}
	records, children := b[6:6+count*t.recordSize], b[6+count*t.recordSize:]
	for i := uint64(0); i <= count; i++ {
		if height > 0 {
			child := children[i*pointer:]
			if err := t.node(le.Uint64(child), littleEndian(child[8:8+t.countSize]), height-1); err != nil {
				return err
			}
		}
		if i < count {
			if err := t.visit(records[i*t.recordSize : (i+1)*t.recordSize]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fractalHeap is a heap of blocks that double in size (section III.G): a space
// of offsets, some of whose blocks exist.
type fractalHeap struct {
	*reader
	idSize     int
	offsetSize int  // bytes of an offset in that space
	sums       bool // direct blocks carry checksums
	width      uint64
	firstSize  uint64
	blocks     []heapBlock // the direct blocks, offsets rising
}

type heapBlock struct {
	offset uint64
	data   []byte // header included
}

func (r *reader) fractalHeap(addr uint64) (*fractalHeap, error) {
	b, err := r.once(addr, 146, "fractal heap")
	if err != nil {
		return nil, err
	}
	if string(b[:5]) != "FRHP\x00" {
		return nil, broken("no fractal heap at %d", addr)
	}
	if le.Uint16(b[7:]) != 0 {
		return nil, unsupported("compressed fractal heaps")
	}
	if b, err = checked(b, "fractal heap", addr); err != nil {
		return nil, err
	}
	h := &fractalHeap{
		reader: r, idSize: int(le.Uint16(b[5:])), sums: b[9]&2 != 0,
		width: uint64(le.Uint16(b[110:])), firstSize: le.Uint64(b[112:]),
		offsetSize: (int(le.Uint16(b[128:])) + 7) / 8,
	}
	rootAddr, rows := le.Uint64(b[132:]), uint64(le.Uint16(b[140:]))
	largest := le.Uint64(b[120:])
	sound := bits.OnesCount64(h.firstSize) == 1 && bits.OnesCount64(largest) == 1 && largest >= h.firstSize &&
		h.width > 0 && h.offsetSize >= 1 && h.offsetSize <= 8 && h.idSize > 1+h.offsetSize && h.idSize <= 64
	if !sound {
		return nil, broken("fractal heap at %d with blocks of %d to %d bytes, width %d, IDs of %d bytes", addr, h.firstSize, largest, h.width, h.idSize)
	}
	switch {
	case rootAddr == undefined:
	case rows == 0:
		err = h.direct(rootAddr, 0, h.firstSize)
	default:
		// Rows 0 and 1 have blocks of the first size, each further one of twice the size.
		directRows := uint64(bits.Len64(largest)-bits.Len64(h.firstSize)) + 2
		err = h.indirect(rootAddr, 0, rows, directRows)
	}
	return h, err
}

// direct takes in the direct block at addr.
func (h *fractalHeap) direct(addr, offset, size uint64) error {
	b, err := h.once(addr, size, "fractal heap block")
	if err != nil {
		return err
	}
	head := 13 + h.offsetSize
	if h.sums {
		head += 4
	}
	if len(b) < head || string(b[:5]) != "FHDB\x00" || littleEndian(b[13:13+h.offsetSize]) != offset {
		return broken("no direct block of a fractal heap at %d", addr)
	}
	if h.sums {
		// The sum is taken with its own field as zeros.
		if err := h.charge(len(b)); err != nil {
			return err
		}
		zeroed := append([]byte{}, b...)
		clear(zeroed[head-4 : head])
		if lookup3(zeroed) != le.Uint32(b[head-4:]) {
			return broken("wrong checksum of the fractal heap block at %d", addr)
		}
	}
	h.blocks = append(h.blocks, heapBlock{offset, b})
	return nil
}

// indirect walks the indirect block at addr, which has that many rows.
func (h *fractalHeap) indirect(addr, offset, rows, directRows uint64) error {
	head := uint64(13 + h.offsetSize)
	if rows > 64 {
		return broken("indirect block of %d rows at %d", rows, addr)
	}
	b, err := h.once(addr, head+8*rows*h.width+4, "fractal heap block")
	if err != nil {
		return err
	}
	if b, err = checked(b, "fractal heap block", addr); err != nil {
		return err
	}
	if string(b[:5]) != "FHIB\x00" || littleEndian(b[13:head]) != offset {
		return broken("no indirect block of a fractal heap at %d", addr)
	}
	b = b[head:]
	for row := range rows {
		size := h.firstSize << max(0, int(row)-1)
		for range h.width {
			child := le.Uint64(b)
			b = b[8:]
			switch {
			case child == undefined:
			case row < directRows:
				err = h.direct(child, offset, size)
			default:
				below := bits.Len64(size) - bits.Len64(h.firstSize*h.width) + 1
				if below < 1 {
					return broken("indirect block of %d bytes", size)
				}
				err = h.indirect(child, offset, uint64(below), directRows)
			}
			if err != nil {
				return err
			}
			offset += size
		}
	}
	return nil
}

// object is the object that a heap ID names.
func (h *fractalHeap) object(id []byte) ([]byte, error) {
	if kind := id[0] >> 4 & 3; id[0]>>6 != 0 || kind != 0 {
		return nil, unsupported("huge and tiny objects in a fractal heap (an attribute above 64 KiB)")
	}
	offset := littleEndian(id[1 : 1+h.offsetSize])
	size := littleEndian(id[1+h.offsetSize:])
	for _, block := range h.blocks {
		if offset >= block.offset && offset-block.offset < uint64(len(block.data)) {
			b := block.data[offset-block.offset:]
			if size > uint64(len(b)) {
				break
			}
			return b[:size], nil
		}
	}
	return nil, broken("no object of %d bytes at %d of a fractal heap", size, offset)
}
