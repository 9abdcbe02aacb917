package hdf5

import (
	"fmt"
	"io"
	"strings"
)

// undefined is the address of what does not exist.
const undefined = ^uint64(0)

const signature = "\x89HDF\r\n\x1a\n"

const superblockSize = 96 // version 0, with the root group's symbol table entry

// Write writes the tree below root to out as an HDF5 file, front to back.
//
// Metadata come first, in the order of a walk by sorted names, then the data of
// the datasets in the same order; no clock times: equal trees give equal bytes.
// Limits of the format, such as 64 KiB for one attribute, are errors, found
// before the first byte is written.
func Write(out io.Writer, root *Group) error {
	w := &writer{pos: superblockSize}
	placed, err := w.group(root, "/")
	if err != nil {
		return err
	}
	w.heap.close()
	for _, p := range w.payloads {
		le.PutUint64(p.address, w.reserve(len(p.data)))
	}
	if err := emit(out, superblock(placed, w.pos), superblockSize); err != nil {
		return err
	}
	for _, block := range w.blocks {
		if err := emit(out, block, len(block)); err != nil {
			return err
		}
	}
	for _, p := range w.payloads {
		if err := emit(out, p.data, pad8(len(p.data))); err != nil {
			return err
		}
	}
	return nil
}

// emit writes b and zeros up to size bytes; size exceeds len(b) by 7 at most.
func emit(out io.Writer, b []byte, size int) error {
	if _, err := out.Write(b); err != nil {
		return err
	}
	var zeros [8]byte
	if n := size - len(b); n > 0 {
		if _, err := out.Write(zeros[:n]); err != nil {
			return err
		}
	}
	return nil
}

func pad8(n int) int { return (n + 7) &^ 7 }

// writer places every block of the file before anything is written.
type writer struct {
	pos      uint64   // the first free address
	blocks   [][]byte // metadata; each follows the one before it without a gap
	payloads []payload
	heap     globalHeap
}

// payload is the data of one dataset, and where its header wants their address.
type payload struct {
	address []byte
	data    []byte
}

// reserve takes n bytes of the address space, rounded up to 8.
func (w *writer) reserve(n int) uint64 {
	addr := w.pos
	w.pos += uint64(pad8(n))
	return addr
}

// alloc adds a zeroed block of metadata of n bytes, rounded up to 8.
func (w *writer) alloc(n int) (addr uint64, block []byte) {
	block = make([]byte, pad8(n))
	w.blocks = append(w.blocks, block)
	return w.reserve(n), block
}

// place is where a group's parts lie: what its symbol table entry caches.
type place struct{ header, tree, heap uint64 }

// group places g and everything below it; path is for errors.
func (w *writer) group(g *Group, path string) (place, error) {
	names := g.Names()
	heap, offsets := w.localHeap(names)
	entries := make([]symbol, len(names))
	for i, name := range names {
		if err := checkName(name); err != nil {
			return place{}, fmt.Errorf("hdf5: link in %s: %w", path, err)
		}
		entries[i].name = offsets[i]
		switch child := g.children[name].(type) {
		case *Group:
			placed, err := w.group(child, path+name+"/")
			if err != nil {
				return place{}, err
			}
			entries[i].place, entries[i].group = placed, true
		case *Dataset:
			header, err := w.dataset(child, path+name)
			if err != nil {
				return place{}, err
			}
			entries[i].header = header
		}
	}
	tree := w.groupTree(entries)
	table := make([]byte, 16)
	le.PutUint64(table, tree)
	le.PutUint64(table[8:], heap)
	messages, err := w.attributeMessages([]message{{kind: msgSymbolTable, body: table}}, g, path)
	if err != nil {
		return place{}, err
	}
	header, _ := w.header(messages)
	return place{header, tree, heap}, nil
}

// dataset places the header of d and queues its data.
func (w *writer) dataset(d *Dataset, path string) (header uint64, err error) {
	if err := d.check(); err != nil {
		return 0, fmt.Errorf("hdf5: dataset %s: %w", path, err)
	}
	data := d.Data
	if d.Type.Class == VarString {
		data = w.references(d.Text)
	}
	layout := make([]byte, 18)
	layout[0], layout[1] = 3, layoutContiguous
	le.PutUint64(layout[2:], undefined)
	le.PutUint64(layout[10:], uint64(len(data)))
	messages, err := w.attributeMessages([]message{
		{kind: msgSpace, body: encodeSpace(d.Shape)},
		{kind: msgType, body: d.Type.encode()},
		// Version 2: allocate late, write the fill value if set, default value.
		{kind: msgFill, body: []byte{2, 2, 2, 1, 0, 0, 0, 0}},
		{kind: msgLayout, body: layout},
	}, d, path)
	if err != nil {
		return 0, err
	}
	header, bodies := w.header(messages)
	if len(data) > 0 {
		w.payloads = append(w.payloads, payload{address: bodies[3][2:10], data: data})
	}
	return header, nil
}

// attributeMessages appends the attributes of o to messages.
func (w *writer) attributeMessages(messages []message, o Object, path string) ([]message, error) {
	seen := map[string]bool{}
	for _, a := range o.attributes() {
		body, err := w.attribute(&a)
		if err == nil && seen[a.Name] {
			err = fmt.Errorf("given twice")
		}
		if err != nil {
			return nil, fmt.Errorf("hdf5: attribute %q of %s: %w", a.Name, path, err)
		}
		seen[a.Name] = true
		messages = append(messages, message{kind: msgAttribute, body: body})
	}
	return messages, nil
}

// attribute encodes an attribute message of version 1.
func (w *writer) attribute(a *Attr) ([]byte, error) {
	if a.Name == "" || strings.ContainsRune(a.Name, 0) {
		return nil, fmt.Errorf("not a name")
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	size := len(a.Data)
	if a.Type.Class == VarString {
		size = varStringSize * len(a.Text)
	}
	typ, space := a.Type.encode(), encodeSpace(a.Shape)
	total := 8 + pad8(len(a.Name)+1) + pad8(len(typ)) + pad8(len(space)) + pad8(size)
	if total > maxMessage {
		return nil, fmt.Errorf("takes %d bytes, the format allows %d; split it", total, maxMessage)
	}
	b := make([]byte, 8, total)
	b[0] = 1
	le.PutUint16(b[2:], uint16(len(a.Name)+1))
	le.PutUint16(b[4:], uint16(len(typ)))
	le.PutUint16(b[6:], uint16(len(space)))
	data := a.Data
	if a.Type.Class == VarString {
		data = w.references(a.Text)
	}
	for _, part := range [][]byte{append([]byte(a.Name), 0), typ, space, data} {
		b = append(b, part...)
		b = b[:pad8(len(b))]
	}
	return b, nil
}

func checkName(name string) error {
	if name == "." || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%q is not a name", name)
	}
	return nil
}

// superblock encodes the superblock of version 0 (section II.A).
func superblock(root place, end uint64) []byte {
	b := make([]byte, superblockSize)
	copy(b, signature)
	b[13], b[14] = 8, 8 // bytes of offsets and of lengths
	le.PutUint16(b[16:], leafK)
	le.PutUint16(b[18:], internalK)
	le.PutUint64(b[32:], undefined) // free space
	le.PutUint64(b[40:], end)
	le.PutUint64(b[48:], undefined) // driver information
	symbol{place: root, group: true}.encode(b[56:])
	return b
}
