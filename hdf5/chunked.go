package hdf5

import (
	"bytes"
	"compress/zlib"
	"io"
)

// The filters of the HDF5 library that this package undoes.
const (
	filterDeflate    = 1
	filterShuffle    = 2
	filterFletcher32 = 3
)

// filterNames are filters that are refused by name.
var filterNames = map[uint16]string{
	4: "szip", 5: "nbit", 6: "scale-offset", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd",
}

// filter is one step between an element array and its stored bytes.
type filter struct{ id uint16 }

// decodeFilters reads the filter pipeline message of versions 1 and 2 (section IV.A.2.l).
func decodeFilters(b []byte) ([]filter, error) {
	short := broken("filter message cut short")
	if len(b) < 2 {
		return nil, short
	}
	version, count := b[0], int(b[1])
	switch {
	case version == 1 && len(b) >= 8:
		b = b[8:]
	case version == 2:
		b = b[2:]
	default:
		return nil, broken("filter message version %d", version)
	}
	var out []filter
	for range count {
		if len(b) < 2 {
			return nil, short
		}
		id := le.Uint16(b)
		head, name := 6, 0
		if version == 1 || id >= 256 {
			head = 8
		}
		if len(b) < head {
			return nil, short
		}
		if head == 8 {
			name = int(le.Uint16(b[2:]))
		}
		params := int(le.Uint16(b[head-2:]))
		if version == 1 {
			name = pad8(name)
			params += params & 1
		}
		if len(b) < head+name+4*params {
			return nil, short
		}
		b = b[head+name+4*params:]
		if id < filterDeflate || id > filterFletcher32 {
			if known, ok := filterNames[id]; ok {
				return nil, unsupported("filter %s", known)
			}
			return nil, unsupported("filter number %d", id)
		}
		out = append(out, filter{id})
	}
	return out, nil
}

// chunk is a stored piece of an array.
type chunk struct {
	origin []int // its first element
	stored []byte
	mask   uint32 // filters that were left out, a bit each
}

// chunkGrid is how an array is cut up.
type chunkGrid struct {
	shape  []int // of the array
	side   []int // of a chunk
	size   int   // bytes of a chunk
	chunks []chunk
}

// chunked reads the chunked data of d, size bytes in all.
func (r *reader) chunked(h *header, d *Dataset, size int) ([]byte, error) {
	grid, err := r.chunkIndex(h, d)
	if err != nil || size == 0 {
		return []byte{}, err
	}
	// Count what the chunks unpack to before allocating the array: a chunk that
	// does not hold what the shape promises is an error that costs no memory.
	for _, c := range grid.chunks {
		if err := countChunk(c, h.filters, grid.size); err != nil {
			return nil, err
		}
	}
	if err := r.unwritten(size - min(size, len(grid.chunks)*grid.size)); err != nil {
		return nil, err
	}
	data, err := filled(h, size)
	if err != nil {
		return nil, err
	}
	for _, c := range grid.chunks {
		raw, err := unpack(c, h.filters, d.Type.Size, grid.size)
		if err != nil {
			return nil, err
		}
		grid.scatter(data, raw, c.origin, d.Type.Size)
	}
	return data, nil
}

// chunkIndex finds the chunks of a dataset.
func (r *reader) chunkIndex(h *header, d *Dataset) (*chunkGrid, error) {
	l, rank := h.layout, len(d.Shape)
	grid := &chunkGrid{shape: d.Shape, side: make([]int, rank), size: d.Type.Size}
	sides, width := 11, 4 // where a chunk's sides are, and how long each
	stated := int(l[2])
	if l[0] == 4 {
		if len(l) < 5 {
			return nil, broken("layout message of %d bytes", len(l))
		}
		stated, width, sides = int(l[3]), int(l[4]), 5
	}
	// The element size counts as one more dimension.
	if rank == 0 || stated != rank+1 || width < 1 || width > 8 || len(l) < sides+width*stated {
		return nil, broken("chunks of %d dimensions for shape %v", stated-1, d.Shape)
	}
	for i := range grid.side {
		n := littleEndian(l[sides+width*i:][:width])
		if n == 0 || n > uint64(1<<32/grid.size) {
			return nil, broken("chunk side of %d elements", n)
		}
		grid.side[i] = int(n)
		grid.size *= int(n)
	}
	if l[0] == 4 {
		return grid, r.singleChunk(h, grid, l[sides+width*stated:])
	}
	root := le.Uint64(l[3:])
	if root == undefined {
		return grid, nil
	}
	t := chunkTree{reader: r, grid: grid, used: map[string]bool{}}
	return grid, t.node(root, -1)
}

// singleChunk finds the chunk of a layout of version 4 that has just one; b is
// the layout message from the index type on.
func (r *reader) singleChunk(h *header, grid *chunkGrid, b []byte) error {
	names := map[byte]string{2: "implicit", 3: "fixed array", 4: "extensible array", 5: "version 2 B-tree"}
	if len(b) < 1 || b[0] != 1 {
		if len(b) > 0 && names[b[0]] != "" {
			return unsupported("chunks indexed by %s (written with libver=latest)", names[b[0]])
		}
		return broken("chunk index")
	}
	b = b[1:]
	c := chunk{origin: make([]int, len(grid.side))}
	size := uint64(grid.size)
	if h.layout[2]&2 != 0 { // the chunk is filtered
		if len(b) < 12 {
			return broken("chunk index cut short")
		}
		size, c.mask = le.Uint64(b), le.Uint32(b[8:])
		b = b[12:]
	}
	if len(b) < 8 {
		return broken("chunk index cut short")
	}
	addr := le.Uint64(b)
	if addr == undefined {
		return nil
	}
	var err error
	if c.stored, err = r.once(addr, size, "chunk"); err != nil {
		return err
	}
	grid.chunks = []chunk{c}
	return nil
}

// chunkTree walks a B-tree of version 1 over chunks (section III.A.1).
type chunkTree struct {
	*reader
	grid *chunkGrid
	used map[string]bool // origins that have a chunk
}

func (t *chunkTree) node(addr uint64, height int) error {
	b, err := t.once(addr, 24, "B-tree node")
	if err != nil {
		return err
	}
	if string(b[:5]) != "TREE\x01" || height >= 0 && int(b[5]) != height {
		return broken("no B-tree node of chunks at %d", addr)
	}
	height = int(b[5])
	children := uint64(le.Uint16(b[6:]))
	keySize := 8 + 8*uint64(len(t.grid.side)+1)
	if b, err = t.bytes(addr+24, children*(keySize+8)); err != nil {
		return err
	}
	for ; len(b) > 0; b = b[keySize+8:] {
		key, child := b[:keySize], le.Uint64(b[keySize:])
		if height > 0 {
			err = t.node(child, height-1)
		} else {
			err = t.leaf(key, child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *chunkTree) leaf(key []byte, addr uint64) error {
	if err := t.charge(160 + 8*len(t.grid.side)); err != nil {
		return err
	}
	c := chunk{mask: le.Uint32(key[4:]), origin: make([]int, len(t.grid.side))}
	for i := range c.origin {
		at := le.Uint64(key[8+8*i:])
		if at >= uint64(t.grid.shape[i]) || at%uint64(t.grid.side[i]) != 0 {
			return broken("chunk from element %d of %d, in steps of %d", at, t.grid.shape[i], t.grid.side[i])
		}
		c.origin[i] = int(at)
	}
	origin := string(key[8:])
	if t.used[origin] {
		return broken("two chunks at %v", c.origin)
	}
	t.used[origin] = true
	var err error
	if c.stored, err = t.once(addr, uint64(le.Uint32(key)), "chunk"); err != nil {
		return err
	}
	t.grid.chunks = append(t.grid.chunks, c)
	return nil
}

// countChunk checks that c unpacks to size bytes, without keeping them.
func countChunk(c chunk, filters []filter, size int) error {
	stored := c.stored
	inflated := false
	for i := len(filters) - 1; i >= 0; i-- {
		if c.mask>>i&1 != 0 {
			continue
		}
		switch filters[i].id {
		case filterFletcher32:
			if inflated {
				// The sum lies inside the compressed bytes and is checked by unpack.
				size += 4
				continue
			}
			if len(stored) < 4 {
				return broken("chunk of %d bytes with a checksum", len(stored))
			}
			stored = stored[:len(stored)-4]
		case filterDeflate:
			if inflated {
				return unsupported("data deflated twice")
			}
			inflated = true
		}
	}
	n := int64(len(stored))
	if inflated {
		z, err := zlib.NewReader(bytes.NewReader(stored))
		if err != nil {
			return broken("deflated chunk: %v", err)
		}
		if n, err = io.Copy(io.Discard, io.LimitReader(z, int64(size)+1)); err != nil {
			return broken("deflated chunk: %v", err)
		}
	}
	if n != int64(size) {
		return broken("a chunk unpacks to %d bytes or more, it should have %d", n, size)
	}
	return nil
}

// unpack undoes the filters of c, last to first.
func unpack(c chunk, filters []filter, elementSize, size int) ([]byte, error) {
	b := c.stored
	for i := len(filters) - 1; i >= 0; i-- {
		if c.mask>>i&1 != 0 {
			continue
		}
		switch filters[i].id {
		case filterFletcher32:
			n := len(b) - 4
			if n < 0 || fletcher32(b[:n]) != le.Uint32(b[n:]) {
				return nil, broken("wrong checksum of a chunk")
			}
			b = b[:n]
		case filterDeflate:
			z, err := zlib.NewReader(bytes.NewReader(b))
			if err != nil {
				return nil, broken("deflated chunk: %v", err)
			}
			out := bytes.NewBuffer(make([]byte, 0, size+4+bytes.MinRead))
			if _, err := out.ReadFrom(io.LimitReader(z, int64(size)+4)); err != nil {
				return nil, broken("deflated chunk: %v", err)
			}
			b = out.Bytes()
		case filterShuffle:
			b = unshuffle(b, elementSize)
		}
	}
	if len(b) != size {
		return nil, broken("a chunk unpacks to %d bytes, it should have %d", len(b), size)
	}
	return b, nil
}

// unshuffle puts bytes back together that were stored first bytes first.
func unshuffle(b []byte, elementSize int) []byte {
	n := len(b) / elementSize
	out := make([]byte, len(b))
	for k := range elementSize {
		for i := range n {
			out[i*elementSize+k] = b[k*n+i]
		}
	}
	copy(out[n*elementSize:], b[n*elementSize:])
	return out
}

// fletcher32 is Fletcher's checksum over big-endian 16-bit words, as
// H5_checksum_fletcher32 computes it.
func fletcher32(b []byte) uint32 {
	fold := func(x uint32) uint32 { return x&0xffff + x>>16 }
	var low, high uint32
	for i := 0; i+1 < len(b); i += 2 {
		low += uint32(b[i])<<8 | uint32(b[i+1])
		high += low
		if i/2%360 == 359 { // before 32 bits overflow
			low, high = fold(low), fold(high)
		}
	}
	low, high = fold(low), fold(high)
	if len(b)%2 == 1 {
		low = fold(low + uint32(b[len(b)-1])<<8)
		high = fold(high + low)
	}
	low, high = fold(low), fold(high)
	return high<<16 | low
}

// scatter copies a chunk into the array; what lies beyond the array's edge is dropped.
func (g *chunkGrid) scatter(dst, src []byte, origin []int, elementSize int) {
	last := len(g.side) - 1
	run := min(g.side[last], g.shape[last]-origin[last]) * elementSize
	index := make([]int, last+1) // within the chunk
	for {
		from, to, within := 0, 0, true
		for i := range index {
			from = from*g.side[i] + index[i]
			to = to*g.shape[i] + origin[i] + index[i]
			within = within && origin[i]+index[i] < g.shape[i]
		}
		if within {
			copy(dst[to*elementSize:][:run], src[from*elementSize:])
		}
		i := last - 1
		for ; i >= 0; i-- {
			if index[i]++; index[i] < g.side[i] {
				break
			}
			index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}
