package hdf5

import "bytes"

// header is what the messages of an object header say.
type header struct {
	attrs     Attrs
	links     []link
	isGroup   bool
	hasSpace  bool
	hasType   bool
	shape     []int
	typ       Type
	layout    []byte
	fill      []byte // nil: zeros
	filters   []filter
	denseAttr []byte // attribute info message
	denseLink []byte // link info message
}

// object reads the group or dataset whose header is at addr.
func (r *reader) object(addr uint64, depth int) (Object, error) {
	if depth > maxDepth {
		return nil, unsupported("groups nested more than %d deep", maxDepth)
	}
	if r.objects[addr] {
		return nil, unsupported("two hard links to the object at %d", addr)
	}
	r.objects[addr] = true
	if err := r.charge(320); err != nil { // the Go values of one object
		return nil, err
	}
	messages, err := r.messages(addr)
	if err != nil {
		return nil, err
	}
	var h header
	for _, m := range messages {
		if err := r.message(&h, m); err != nil {
			return nil, err
		}
	}
	if h.denseAttr != nil {
		if err := r.denseAttributes(&h); err != nil {
			return nil, err
		}
	}
	for i, a := range h.attrs {
		if h.attrs.Get(a.Name) != &h.attrs[i] {
			return nil, broken("attribute %q given twice", a.Name)
		}
	}
	switch {
	case h.isGroup && !h.hasSpace && h.layout == nil:
		return r.group(&h, depth)
	case !h.isGroup && h.hasSpace && h.hasType && h.layout != nil:
		return r.dataset(&h)
	case !h.isGroup && h.hasType && !h.hasSpace && h.layout == nil:
		return nil, unsupported("named data types")
	}
	return nil, broken("the object at %d is neither group nor dataset", addr)
}

func (r *reader) group(h *header, depth int) (*Group, error) {
	if h.denseLink != nil {
		if err := r.denseLinks(h); err != nil {
			return nil, err
		}
	}
	g := &Group{Attrs: h.attrs}
	for _, l := range h.links {
		if g.children[l.name] != nil {
			return nil, broken("two links %q", l.name)
		}
		child, err := r.object(l.addr, depth+1)
		if err != nil {
			return nil, inside(l.name, err)
		}
		g.link(l.name, child)
	}
	return g, nil
}

// inside adds a step of the path at which err arose and keeps err's type.
func inside(name string, err error) error {
	switch e := err.(type) {
	case FormatError:
		return FormatError("/" + name + prefixed(string(e)))
	case UnsupportedError:
		return UnsupportedError("/" + name + prefixed(string(e)))
	}
	return err
}

// prefixed joins a path step to a message, which may begin with a path itself.
func prefixed(s string) string {
	if s != "" && s[0] == '/' {
		return s
	}
	return ": " + s
}

// message takes one message into h.
func (r *reader) message(h *header, m message) error {
	const shared = 2
	if m.flags&shared != 0 && m.kind != msgNil {
		return unsupported("shared object header messages (a named data type)")
	}
	var err error
	switch m.kind {
	case msgNil, msgContinuation, msgGroupInfo, msgOldModified, msgModified, msgReferenceCount:
	case msgSpace:
		h.hasSpace = true
		h.shape, err = decodeSpace(m.body)
	case msgType:
		h.hasType = true
		h.typ, err = decodeType(m.body)
	case msgOldFill:
		if len(m.body) >= 4 {
			err = h.setFill(m.body[4:], le.Uint32(m.body))
		}
	case msgFill:
		err = h.fillMessage(m.body)
	case msgLayout:
		h.layout = m.body
	case msgFilters:
		h.filters, err = decodeFilters(m.body)
	case msgAttribute:
		err = r.attribute(h, m.body)
	case msgAttributeInfo:
		h.denseAttr = m.body
	case msgSymbolTable:
		h.isGroup = true
		h.links, err = r.symbolTable(m.body)
	case msgLinkInfo:
		h.isGroup, h.denseLink = true, m.body
	case msgLink:
		h.isGroup = true
		err = r.linkMessage(h, m.body)
	case msgExternal:
		err = unsupported("data in external files")
	case msgComment:
		err = unsupported("object comments")
	default:
		err = unsupported("object header messages of kind %#x", m.kind)
	}
	return err
}

// fillMessage reads the fill value message of versions 1 to 3 (section IV.A.2.f).
func (h *header) fillMessage(b []byte) error {
	if len(b) < 2 {
		return broken("fill value message of %d bytes", len(b))
	}
	switch b[0] {
	case 1, 2:
		if len(b) < 4 {
			return broken("fill value message of %d bytes", len(b))
		}
		if b[0] == 2 && b[3] == 0 {
			return nil // undefined
		}
		b = b[4:]
	case 3:
		if b[1]&0x20 == 0 {
			return nil
		}
		b = b[2:]
	default:
		return broken("fill value version %d", b[0])
	}
	if len(b) < 4 {
		return nil // the default: zeros
	}
	return h.setFill(b[4:], le.Uint32(b))
}

func (h *header) setFill(value []byte, size uint32) error {
	if int32(size) <= 0 { // -1: undefined
		return nil
	}
	if uint64(size) > uint64(len(value)) {
		return broken("fill value of %d bytes in %d", size, len(value))
	}
	h.fill = value[:size]
	return nil
}

// attribute reads an attribute message of versions 1 to 3 (section IV.A.2.m).
func (r *reader) attribute(h *header, b []byte) error {
	if len(b) < 9 || b[0] < 1 || b[0] > 3 {
		return broken("attribute message of %d bytes", len(b))
	}
	version := b[0]
	if version > 1 && b[1] != 0 {
		return unsupported("attributes of a named data type")
	}
	sizes := [3]int{int(le.Uint16(b[2:])), int(le.Uint16(b[4:])), int(le.Uint16(b[6:]))}
	b = b[8:]
	if version == 3 {
		b = b[1:] // the character set of the name
	}
	var parts [3][]byte
	for i, n := range sizes {
		padded := n
		if version == 1 {
			padded = pad8(n)
		}
		if padded > len(b) {
			return broken("attribute message cut short")
		}
		parts[i], b = b[:n], b[padded:]
	}
	name := parts[0]
	if n := len(name); n < 2 || bytes.IndexByte(name, 0) != n-1 {
		return broken("attribute name %q", name)
	}
	a := Attr{Name: string(name[:len(name)-1])}
	err := r.attributeValue(&a, parts[1], parts[2], b)
	if err != nil {
		return inside("@"+a.Name, err)
	}
	h.attrs = append(h.attrs, a)
	return nil
}

func (r *reader) attributeValue(a *Attr, typ, space, data []byte) (err error) {
	if err = r.charge(160 + len(a.Name)); err != nil {
		return err
	}
	if a.Type, err = decodeType(typ); err != nil {
		return err
	}
	if a.Shape, err = decodeSpace(space); err != nil {
		return err
	}
	n, err := storage(&a.Value)
	if err != nil {
		return err
	}
	if n > len(data) {
		return broken("%d bytes of data for shape %v of %s", len(data), a.Shape, a.Type)
	}
	if a.Type.Class == VarString {
		a.Text, err = r.text(data, a.Elements())
		return err
	}
	a.Data = data[:n:n]
	return nil
}

// storage is the size of v's elements in bytes.
func storage(v *Value) (int, error) {
	n := v.Elements()
	if n < 0 || n > 1<<62/v.Type.Size {
		return 0, broken("shape %v", v.Shape)
	}
	return n * v.Type.Size, nil
}

// The classes of data layout (section IV.A.2.i).
const (
	layoutCompact    = 0
	layoutContiguous = 1
	layoutChunked    = 2
)

func (r *reader) dataset(h *header) (*Dataset, error) {
	d := &Dataset{Value: Value{Type: h.typ, Shape: h.shape}, Attrs: h.attrs}
	size, err := storage(&d.Value)
	if err != nil {
		return nil, err
	}
	l := h.layout
	if len(l) < 4 {
		return nil, broken("layout message of %d bytes", len(l))
	}
	if l[0] < 3 {
		return nil, unsupported("data layout version %d (HDF5 1.4 and older)", l[0])
	}
	if l[0] > 4 {
		return nil, unsupported("data layout version %d", l[0])
	}
	if len(h.filters) > 0 && l[1] != layoutChunked {
		return nil, broken("filters on data that are not chunked")
	}
	var data []byte
	switch l[1] {
	case layoutCompact:
		if n := int(le.Uint16(l[2:])); n != size || n > len(l)-4 {
			return nil, broken("%d bytes of compact data for %d", n, size)
		}
		data = l[4 : 4+size : 4+size]
	case layoutContiguous:
		data, d.Offset, err = r.contiguous(h, size)
	case layoutChunked:
		data, err = r.chunked(h, d, size)
	case 3:
		return nil, unsupported("virtual datasets")
	default:
		return nil, broken("data layout class %d", l[1])
	}
	if err != nil {
		return nil, err
	}
	if d.Type.Class == VarString {
		d.Offset = 0
		d.Text, err = r.text(data, d.Elements())
		return d, err
	}
	d.Data = data
	return d, nil
}

// contiguous gives data that lie in one piece, and where.
func (r *reader) contiguous(h *header, size int) (data []byte, offset int64, err error) {
	if len(h.layout) < 18 {
		return nil, 0, broken("layout message of %d bytes", len(h.layout))
	}
	addr, stored := le.Uint64(h.layout[2:]), le.Uint64(h.layout[10:])
	if stored != uint64(size) {
		return nil, 0, broken("%d bytes of data for shape %v of %s", stored, h.shape, h.typ)
	}
	if size == 0 {
		return []byte{}, 0, nil
	}
	if addr == undefined {
		if err := r.unwritten(size); err != nil {
			return nil, 0, err
		}
		data, err = filled(h, size)
		return data, 0, err
	}
	data, err = r.bytes(addr, uint64(size))
	return data, int64(addr), err
}

// unwritten says whether n bytes that the file does not hold may be made up.
func (r *reader) unwritten(n int) error {
	if n > r.budget {
		return unsupported("%d bytes that were never written, in a file of %d", n, r.size())
	}
	r.budget -= n
	return nil
}

// filled makes size bytes of the fill value, for data that were never written.
func filled(h *header, size int) ([]byte, error) {
	if h.fill != nil && (h.typ.Class == VarString || len(h.fill) != h.typ.Size) {
		return nil, unsupported("a fill value of %d bytes for %s", len(h.fill), h.typ)
	}
	data := make([]byte, size)
	if h.fill == nil {
		return data, nil
	}
	for at := 0; at < size; at += len(h.fill) {
		copy(data[at:], h.fill)
	}
	return data, nil
}
