package hdf5

// Kinds of object header messages (section IV.A.2).
const (
	msgNil            = 0x00
	msgSpace          = 0x01
	msgLinkInfo       = 0x02
	msgType           = 0x03
	msgOldFill        = 0x04
	msgFill           = 0x05
	msgLink           = 0x06
	msgExternal       = 0x07
	msgLayout         = 0x08
	msgGroupInfo      = 0x0a
	msgFilters        = 0x0b
	msgAttribute      = 0x0c
	msgComment        = 0x0d
	msgOldModified    = 0x0e
	msgContinuation   = 0x10
	msgSymbolTable    = 0x11
	msgModified       = 0x12
	msgAttributeInfo  = 0x15
	msgReferenceCount = 0x16
)

// maxMessage is the largest body of a message: a 16-bit size, a multiple of 8.
const maxMessage = 65528

// message is one message of an object header.
type message struct {
	kind  uint16
	flags byte
	body  []byte
}

// header places an object header of version 1 and returns the messages' bodies
// in place, so that addresses can be filled in later.
func (w *writer) header(messages []message) (addr uint64, bodies [][]byte) {
	size := 16
	for _, m := range messages {
		size += 8 + pad8(len(m.body))
	}
	addr, b := w.alloc(size)
	b[0] = 1
	le.PutUint16(b[2:], uint16(len(messages)))
	le.PutUint32(b[4:], 1) // reference count
	le.PutUint32(b[8:], uint32(size-16))
	at := 16
	for _, m := range messages {
		n := pad8(len(m.body))
		le.PutUint16(b[at:], m.kind)
		le.PutUint16(b[at+2:], uint16(n))
		copy(b[at+8:], m.body)
		bodies = append(bodies, b[at+8:at+8+len(m.body)])
		at += 8 + n
	}
	return addr, bodies
}

// messages reads the object header at addr, of either version.
func (r *reader) messages(addr uint64) ([]message, error) {
	b, err := r.bytes(addr, 4)
	if err != nil {
		return nil, err
	}
	if string(b) == "OHDR" {
		return r.messages2(addr)
	}
	return r.messages1(addr)
}

// messages1 reads an object header of version 1 (section IV.A.1.a).
func (r *reader) messages1(addr uint64) ([]message, error) {
	prefix, err := r.bytes(addr, 16)
	if err != nil {
		return nil, err
	}
	if prefix[0] != 1 {
		return nil, broken("object header version %d at %d", prefix[0], addr)
	}
	count := int(le.Uint16(prefix[2:]))
	chunks := []span{{addr + 16, uint64(le.Uint32(prefix[8:]))}}
	var out []message
	for len(chunks) > 0 && len(out) < count {
		b, err := r.once(chunks[0].addr, chunks[0].size, "object header")
		if err != nil {
			return nil, err
		}
		chunks = chunks[1:]
		for len(b) >= 8 && len(out) < count {
			size := int(le.Uint16(b[2:]))
			if size > len(b)-8 {
				return nil, broken("message of %d bytes ends beyond the object header at %d", size, addr)
			}
			m := message{kind: le.Uint16(b), flags: b[4], body: b[8 : 8+size]}
			b = b[8+size:]
			if m.kind == msgContinuation {
				next, err := continuation(m.body)
				if err != nil {
					return nil, err
				}
				chunks = append(chunks, next)
			}
			if err := r.charge(48); err != nil {
				return nil, err
			}
			out = append(out, m)
		}
	}
	if len(out) != count {
		return nil, broken("object header at %d has %d messages of %d", addr, len(out), count)
	}
	return out, nil
}

// messages2 reads an object header of version 2 (section IV.A.1.b), whose chunks
// carry checksums.
func (r *reader) messages2(addr uint64) ([]message, error) {
	prefix, err := r.bytes(addr, 6)
	if err != nil {
		return nil, err
	}
	if prefix[4] != 2 {
		return nil, broken("object header version %d at %d", prefix[4], addr)
	}
	flags := prefix[5]
	skip := uint64(6)
	if flags&0x20 != 0 {
		skip += 16 // times of access, modification, change and birth
	}
	if flags&0x10 != 0 {
		skip += 4 // when attributes become dense
	}
	width := uint64(1) << (flags & 3)
	field, err := r.bytes(addr+skip, width)
	if err != nil {
		return nil, err
	}
	skip += width
	messageHeader := 4
	if flags&4 != 0 {
		messageHeader = 6 // creation order
	}
	first := littleEndian(field)
	if first > r.size() {
		return nil, broken("object header of %d bytes at %d", first, addr)
	}
	chunks := []span{{addr, skip + first + 4}}
	var out []message
	for i := 0; i < len(chunks); i++ {
		b, err := r.once(chunks[i].addr, chunks[i].size, "object header")
		if err != nil {
			return nil, err
		}
		if i > 0 {
			if skip = 4; len(b) < 8 || string(b[:4]) != "OCHK" {
				return nil, broken("no object header continuation at %d", chunks[i].addr)
			}
		}
		if b, err = checked(b, "object header", chunks[i].addr); err != nil {
			return nil, err
		}
		for b = b[skip:]; len(b) >= messageHeader; {
			size := int(le.Uint16(b[1:]))
			if size > len(b)-messageHeader {
				return nil, broken("message of %d bytes ends beyond the object header at %d", size, addr)
			}
			m := message{kind: uint16(b[0]), flags: b[3], body: b[messageHeader : messageHeader+size]}
			b = b[messageHeader+size:]
			if m.kind == msgContinuation {
				next, err := continuation(m.body)
				if err != nil {
					return nil, err
				}
				chunks = append(chunks, next)
			}
			if err := r.charge(48); err != nil {
				return nil, err
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// span is a piece of the file.
type span struct{ addr, size uint64 }

func continuation(b []byte) (span, error) {
	if len(b) < 16 {
		return span{}, broken("continuation message of %d bytes", len(b))
	}
	return span{le.Uint64(b), le.Uint64(b[8:])}, nil
}

// littleEndian reads a number of up to 8 bytes.
func littleEndian(b []byte) uint64 {
	var n uint64
	for i, x := range b {
		n |= uint64(x) << (8 * i)
	}
	return n
}

// checked verifies the checksum in the last four bytes of b and takes it off.
func checked(b []byte, what string, addr uint64) ([]byte, error) {
	n := len(b) - 4
	if n < 0 || lookup3(b[:n]) != le.Uint32(b[n:]) {
		return nil, broken("wrong checksum of the %s at %d", what, addr)
	}
	return b[:n], nil
}

// lookup3 is Bob Jenkins's hash of 2006, with which newer structures are summed.
// Source: burtleburtle.net/bob/c/lookup3.c, hashlittle with initval 0.
func lookup3(k []byte) uint32 {
	a := 0xdeadbeef + uint32(len(k))
	b, c := a, a
	for ; len(k) > 12; k = k[12:] {
		a += le.Uint32(k)
		b += le.Uint32(k[4:])
		c += le.Uint32(k[8:])
		a = (a - c) ^ rotate(c, 4)
		c += b
		b = (b - a) ^ rotate(a, 6)
		a += c
		c = (c - b) ^ rotate(b, 8)
		b += a
		a = (a - c) ^ rotate(c, 16)
		c += b
		b = (b - a) ^ rotate(a, 19)
		a += c
		c = (c - b) ^ rotate(b, 4)
		b += a
	}
	if len(k) == 0 {
		return c
	}
	var last [12]byte
	copy(last[:], k)
	a += le.Uint32(last[:])
	b += le.Uint32(last[4:])
	c += le.Uint32(last[8:])
	c = (c ^ b) - rotate(b, 14)
	a = (a ^ c) - rotate(c, 11)
	b = (b ^ a) - rotate(a, 25)
	c = (c ^ b) - rotate(b, 16)
	a = (a ^ c) - rotate(c, 4)
	b = (b ^ a) - rotate(a, 14)
	c = (c ^ b) - rotate(b, 24)
	return c
}

func rotate(x uint32, n uint) uint32 { return x<<n | x>>(32-n) }
