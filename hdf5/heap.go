package hdf5

import "bytes"

// localHeap places the heap that holds the names of one group's links (section
// III.D) and returns each name's offset in it. Offset 0 is the empty string.
func (w *writer) localHeap(names []string) (addr uint64, offsets []uint64) {
	size := 8
	offsets = make([]uint64, len(names))
	for i, name := range names {
		offsets[i] = uint64(size)
		size += pad8(len(name) + 1)
	}
	addr, b := w.alloc(32 + size)
	copy(b, "HEAP")
	le.PutUint64(b[8:], uint64(size))
	le.PutUint64(b[16:], 1) // no free list
	le.PutUint64(b[24:], addr+32)
	for i, name := range names {
		copy(b[32+offsets[i]:], name)
	}
	return addr, offsets
}

// localHeap reads the names of a group's local heap.
func (r *reader) localHeap(addr uint64) ([]byte, error) {
	b, err := r.once(addr, 32, "local heap")
	if err != nil {
		return nil, err
	}
	if string(b[:5]) != "HEAP\x00" {
		return nil, broken("no local heap at %d", addr)
	}
	return r.bytes(le.Uint64(b[24:]), le.Uint64(b[8:]))
}

// heapName is the name at an offset of a local heap.
func heapName(heap []byte, offset uint64) ([]byte, error) {
	if offset >= uint64(len(heap)) {
		return nil, broken("link name at %d of a heap of %d bytes", offset, len(heap))
	}
	name := heap[offset:]
	end := bytes.IndexByte(name, 0)
	if end <= 0 {
		return nil, broken("link name at %d of a local heap is empty or does not end", offset)
	}
	return name[:end], nil
}

// collectionSize is the smallest collection of the global heap.
const collectionSize = 4096

// globalHeap packs the bytes of variable-length strings into collections
// (section III.E).
type globalHeap struct {
	addr  uint64
	block []byte // the collection being filled; nil before the first
	used  int
	index uint16
}

// close marks what is left of the collection as free.
func (h *globalHeap) close() {
	if len(h.block)-h.used >= 16 {
		le.PutUint64(h.block[h.used+8:], uint64(len(h.block)-h.used)) // object 0 is the free space
	}
}

// references puts strings into the global heap and gives what stands for them
// in an attribute or dataset: length, collection and index of each.
func (w *writer) references(text []string) []byte {
	b := make([]byte, varStringSize*len(text))
	for i, s := range text {
		if s == "" {
			continue // length 0 at address 0, as the HDF5 library writes it
		}
		addr, index := w.heapPut(s)
		at := b[varStringSize*i:]
		le.PutUint32(at, uint32(len(s)))
		le.PutUint64(at[4:], addr)
		le.PutUint32(at[12:], uint32(index))
	}
	return b
}

func (w *writer) heapPut(s string) (addr uint64, index uint16) {
	h := &w.heap
	need := 16 + pad8(len(s))
	if h.block == nil || need > len(h.block)-h.used || h.index == 65535 {
		h.close()
		size := max(collectionSize, 16+need)
		h.addr, h.block = w.alloc(size)
		copy(h.block, "GCOL\x01")
		le.PutUint64(h.block[8:], uint64(size))
		h.used, h.index = 16, 0
	}
	h.index++
	b := h.block[h.used:]
	le.PutUint16(b, h.index)
	le.PutUint64(b[8:], uint64(len(s)))
	copy(b[16:], s)
	h.used += need
	return h.addr, h.index
}

// heapObject is one object of a global heap collection; text is set once the
// object has been read as a string, so that no object is copied twice.
type heapObject struct {
	data []byte
	text string
}

// text reads the n variable-length strings whose references are b.
func (r *reader) text(b []byte, n int) ([]string, error) {
	if len(b)/varStringSize < n {
		return nil, broken("%d string references in %d bytes", n, len(b))
	}
	if err := r.charge(16 * n); err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		at := b[varStringSize*i:]
		length, addr, index := le.Uint32(at), le.Uint64(at[4:]), le.Uint32(at[12:])
		if length == 0 {
			continue
		}
		collection, err := r.collection(addr)
		if err != nil {
			return nil, err
		}
		object := collection[index]
		if object == nil || uint64(length) > uint64(len(object.data)) {
			return nil, broken("no string of %d bytes as object %d of the global heap at %d", length, index, addr)
		}
		if len(object.text) != int(length) {
			if err := r.charge(int(length)); err != nil {
				return nil, err
			}
			s := bytes.TrimRight(object.data[:length], "\x00") // C programs may count the end of the string
			if bytes.IndexByte(s, 0) >= 0 {
				return nil, broken("a string in the global heap at %d holds a zero byte", addr)
			}
			object.text = string(s)
		}
		out[i] = object.text
	}
	return out, nil
}

// collection reads a collection of the global heap: its objects by index.
func (r *reader) collection(addr uint64) (map[uint32]*heapObject, error) {
	if c, ok := r.collections[addr]; ok {
		return c, nil
	}
	prefix, err := r.bytes(addr, 16)
	if err != nil {
		return nil, err
	}
	if string(prefix[:5]) != "GCOL\x01" {
		return nil, broken("no global heap collection at %d", addr)
	}
	b, err := r.once(addr, le.Uint64(prefix[8:]), "global heap collection")
	if err != nil {
		return nil, err
	}
	if len(b) < 16 {
		return nil, broken("global heap collection of %d bytes at %d", len(b), addr)
	}
	objects := map[uint32]*heapObject{}
	for b = b[16:]; len(b) >= 16; {
		index, size := uint32(le.Uint16(b)), le.Uint64(b[8:])
		if index == 0 {
			break // free space
		}
		if size > uint64(len(b)-16) {
			return nil, broken("object %d ends beyond the global heap collection at %d", index, addr)
		}
		if err := r.charge(80); err != nil {
			return nil, err
		}
		objects[index] = &heapObject{data: b[16 : 16+size]}
		b = b[min(16+pad8(int(size)), len(b)):]
	}
	r.collections[addr] = objects
	return objects, nil
}
