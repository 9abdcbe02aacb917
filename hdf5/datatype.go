package hdf5

import (
	"bytes"
	"fmt"
)

// Class is the kind of a type, numbered as in the file (section IV.A.2.d).
type Class uint8

// The classes that this package knows.
const (
	Integer     Class = 0
	Float       Class = 1
	FixedString Class = 3
	Opaque      Class = 5
	VarString   Class = 9 // variable-length strings; their bytes lie in the global heap
)

// Padding is how a fixed-length string ends.
type Padding uint8

// The paddings of the format.
const (
	NullTerm Padding = 0 // the string ends before the first zero byte
	NullPad  Padding = 1 // zero bytes fill the rest
	SpacePad Padding = 2 // spaces fill the rest
)

// Type is an element type. Numbers are little-endian; Float is IEEE 754.
type Type struct {
	Class   Class
	Size    int     // bytes an element takes; 16 for variable-length strings (a reference into the heap)
	Signed  bool    // integers
	UTF8    bool    // strings: declared character set, ASCII otherwise
	Padding Padding // strings
}

// varStringSize is the length (4), heap address (8) and heap index (4) of one
// variable-length string.
const varStringSize = 16

const (
	maxRank     = 32      // H5S_MAX_RANK
	maxTypeSize = 1 << 20 // ours: far above any string that Keras stores in place
)

// The number types. BFloat16 is stored as Keras does it: opaque, with an
// attribute dtype="bfloat16" beside it.
var (
	Int8     = Type{Class: Integer, Size: 1, Signed: true}
	Int16    = Type{Class: Integer, Size: 2, Signed: true}
	Int32    = Type{Class: Integer, Size: 4, Signed: true}
	Int64    = Type{Class: Integer, Size: 8, Signed: true}
	Uint8    = Type{Class: Integer, Size: 1}
	Uint16   = Type{Class: Integer, Size: 2}
	Uint32   = Type{Class: Integer, Size: 4}
	Uint64   = Type{Class: Integer, Size: 8}
	Float16  = Type{Class: Float, Size: 2}
	Float32  = Type{Class: Float, Size: 4}
	Float64  = Type{Class: Float, Size: 8}
	BFloat16 = Type{Class: Opaque, Size: 2}
)

func (t Type) String() string {
	switch t.Class {
	case Integer:
		if t.Signed {
			return fmt.Sprintf("int%d", 8*t.Size)
		}
		return fmt.Sprintf("uint%d", 8*t.Size)
	case Float:
		return fmt.Sprintf("float%d", 8*t.Size)
	case FixedString:
		return fmt.Sprintf("string of %d bytes", t.Size)
	case Opaque:
		return fmt.Sprintf("opaque of %d bytes", t.Size)
	case VarString:
		return "variable-length string"
	}
	return fmt.Sprintf("class %d", t.Class)
}

// check says whether t is a type that can be written.
func (t Type) check() error {
	ok := false
	switch t.Class {
	case Integer:
		ok = t.Size == 1 || t.Size == 2 || t.Size == 4 || t.Size == 8
	case Float:
		ok = t.Size == 2 || t.Size == 4 || t.Size == 8
	case FixedString, Opaque:
		ok = t.Size >= 1 && t.Size <= maxTypeSize
	case VarString:
		ok = t.Size == varStringSize
	}
	if !ok || t.Padding > SpacePad {
		return fmt.Errorf("%s (size %d, padding %d) is not a type", t, t.Size, t.Padding)
	}
	return nil
}

// floatLayouts are the properties of the IEEE formats by element size: bit
// offset, precision, exponent location and size, mantissa location and size, bias.
var floatLayouts = map[int][12]byte{
	2: {0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0},
	4: {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0},
	8: {0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0},
}

// encode gives the datatype message of version 1.
func (t Type) encode() []byte {
	b := make([]byte, 8, 24)
	b[0] = 1<<4 | byte(t.Class)
	le.PutUint32(b[4:], uint32(t.Size))
	switch t.Class {
	case Integer:
		if t.Signed {
			b[1] = 8
		}
		b = append(b, 0, 0, byte(8*t.Size), 0)
	case Float:
		b[1] = 0x20               // mantissa normalised, its first bit implied
		b[2] = byte(8*t.Size - 1) // location of the sign
		layout := floatLayouts[t.Size]
		b = append(b, layout[:]...)
	case FixedString:
		b[1] = byte(t.Padding) | t.charset()<<4
	case Opaque: // no tag, as numpy's void types
	case VarString:
		b[1] = 1 | byte(t.Padding)<<4 // 1: a string, not a sequence
		b[2] = t.charset()
		b = append(b, Uint8.encode()...) // the base type
	}
	return b
}

func (t Type) charset() byte {
	if t.UTF8 {
		return 1
	}
	return 0
}

// classNames are the classes that are refused by name.
var classNames = map[Class]string{
	2: "time", 4: "bit field", 6: "compound", 7: "reference", 8: "enumeration", 10: "array", 11: "complex number",
}

// decodeType reads a datatype message of any version.
func decodeType(b []byte) (Type, error) {
	if len(b) < 8 {
		return Type{}, broken("datatype of %d bytes", len(b))
	}
	if version := b[0] >> 4; version < 1 || version > 5 {
		return Type{}, broken("datatype version %d", version)
	}
	size := le.Uint32(b[4:])
	if size < 1 || size > maxTypeSize {
		return Type{}, broken("element size %d", size)
	}
	t := Type{Class: Class(b[0] & 15), Size: int(size)}
	props := b[8:]
	switch t.Class {
	case Integer:
		return decodeInteger(t, b[1], props)
	case Float:
		return decodeFloat(t, b[1:4], props)
	case FixedString:
		t.Padding, t.UTF8 = Padding(b[1]&15), b[1]>>4 == 1
		if t.Padding > SpacePad || b[1]>>4 > 1 {
			return t, broken("string padding %d, character set %d", t.Padding, b[1]>>4)
		}
		return t, nil
	case Opaque:
		return t, nil
	case VarString:
		if b[1]&15 != 1 {
			return t, unsupported("variable-length sequences (only strings)")
		}
		t.Padding, t.UTF8 = Padding(b[1]>>4), b[2]&15 == 1
		if t.Size != varStringSize || t.Padding > SpacePad || b[2]&15 > 1 {
			return t, broken("variable-length string of %d bytes, padding %d, character set %d", t.Size, t.Padding, b[2]&15)
		}
		return t, nil
	}
	if name, ok := classNames[t.Class]; ok {
		return t, unsupported("elements of class %s", name)
	}
	return t, broken("datatype class %d", t.Class)
}

func decodeInteger(t Type, bits byte, props []byte) (Type, error) {
	t.Signed = bits&8 != 0
	if len(props) < 4 {
		return t, broken("integer type cut short")
	}
	offset, precision := le.Uint16(props), le.Uint16(props[2:])
	if bits&1 != 0 {
		return t, unsupported("big-endian integers")
	}
	if t.check() != nil || offset != 0 || int(precision) != 8*t.Size {
		return t, unsupported("integers of %d bytes with %d bits from bit %d", t.Size, precision, offset)
	}
	return t, nil
}

func decodeFloat(t Type, bits, props []byte) (Type, error) {
	if len(props) < 12 {
		return t, broken("float type cut short")
	}
	if bits[0]&0x41 != 0 {
		return t, unsupported("big-endian floats")
	}
	layout, ok := floatLayouts[t.Size]
	if !ok || !bytes.Equal(props[:12], layout[:]) || bits[0] != 0x20 || int(bits[1]) != 8*t.Size-1 {
		return t, unsupported("floats of %d bytes that are not IEEE 754 half, single or double precision", t.Size)
	}
	return t, nil
}

// encodeSpace gives the dataspace message of version 1.
func encodeSpace(shape []int) []byte {
	b := make([]byte, 8+8*len(shape))
	b[0], b[1] = 1, byte(len(shape))
	for i, side := range shape {
		le.PutUint64(b[8+8*i:], uint64(side))
	}
	return b
}

// decodeSpace reads a dataspace message; a nil shape is a scalar.
func decodeSpace(b []byte) ([]int, error) {
	if len(b) < 4 {
		return nil, broken("dataspace of %d bytes", len(b))
	}
	version, rank, sides := b[0], int(b[1]), 8
	switch version {
	case 1:
	case 2:
		sides = 4
		if b[3] == 2 {
			return nil, unsupported("null dataspaces (h5py.Empty)")
		}
		if b[3] > 1 || (b[3] == 0) != (rank == 0) {
			return nil, broken("dataspace of kind %d with %d dimensions", b[3], rank)
		}
	default:
		return nil, broken("dataspace version %d", version)
	}
	if rank > maxRank || len(b) < sides+8*rank {
		return nil, broken("dataspace of %d bytes with %d dimensions", len(b), rank)
	}
	if rank == 0 {
		return nil, nil
	}
	shape := make([]int, rank)
	for i := range shape {
		side := le.Uint64(b[sides+8*i:])
		if side > 1<<48 {
			return nil, broken("dimension of %d elements", side)
		}
		shape[i] = int(side)
	}
	return shape, nil
}
