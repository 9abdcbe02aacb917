package hdf5

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

var le = binary.LittleEndian

// Value is an array of one element type: what a dataset or an attribute holds.
type Value struct {
	Type  Type
	Shape []int // nil: a scalar, one element

	// Data are the elements, row-major and little-endian: Elements() × Type.Size
	// bytes. Nil for variable-length strings. Data of a file that was read may
	// share memory with the rest of that file: treat it as read-only.
	Data []byte

	// Text are the elements of variable-length strings; nil for other types.
	Text []string
}

// Elements is the number of elements that Shape stands for; 1 for a scalar. It
// is -1 where Shape has a negative side or its product overflows.
func (v *Value) Elements() int {
	n := 1
	for _, side := range v.Shape {
		if side < 0 {
			return -1
		}
		if side > 0 && n > math.MaxInt/side {
			return -1
		}
		n *= side
	}
	return n
}

// check says whether v can be written.
func (v *Value) check() error {
	if err := v.Type.check(); err != nil {
		return err
	}
	if len(v.Shape) > maxRank {
		return fmt.Errorf("%d dimensions, at most %d", len(v.Shape), maxRank)
	}
	n := v.Elements()
	if n < 0 {
		return fmt.Errorf("impossible shape %v", v.Shape)
	}
	if v.Type.Class == VarString {
		if len(v.Text) != n {
			return fmt.Errorf("shape %v wants %d strings, there are %d", v.Shape, n, len(v.Text))
		}
		for i, s := range v.Text {
			if strings.IndexByte(s, 0) >= 0 || len(s) > math.MaxUint32 {
				return fmt.Errorf("string %d of %d bytes holds a zero byte, which would end it, or is too long", i, len(s))
			}
		}
		return nil
	}
	if len(v.Data)%v.Type.Size != 0 || len(v.Data)/v.Type.Size != n {
		return fmt.Errorf("shape %v of %s wants %d elements, there are %d bytes", v.Shape, v.Type, n, len(v.Data))
	}
	return nil
}

// Float32Values is an array of float32. The product of shape must be len(x).
func Float32Values(x []float32, shape ...int) Value {
	data := make([]byte, 4*len(x))
	for i, f := range x {
		le.PutUint32(data[4*i:], math.Float32bits(f))
	}
	return Value{Type: Float32, Shape: shape, Data: data}
}

// Float64Values is an array of float64. The product of shape must be len(x).
func Float64Values(x []float64, shape ...int) Value {
	data := make([]byte, 8*len(x))
	for i, f := range x {
		le.PutUint64(data[8*i:], math.Float64bits(f))
	}
	return Value{Type: Float64, Shape: shape, Data: data}
}

// Int64Values is an array of int64. The product of shape must be len(x).
func Int64Values(x []int64, shape ...int) Value {
	data := make([]byte, 8*len(x))
	for i, n := range x {
		le.PutUint64(data[8*i:], uint64(n))
	}
	return Value{Type: Int64, Shape: shape, Data: data}
}

// Bytes is a one-dimensional array of uint8 that shares data's memory.
func Bytes(data []byte) Value {
	return Value{Type: Uint8, Shape: []int{len(data)}, Data: data}
}

// StringScalar is one variable-length string; utf8 is the character set that the
// file declares, ASCII otherwise.
func StringScalar(s string, utf8 bool) Value {
	return Value{Type: Type{Class: VarString, Size: varStringSize, UTF8: utf8}, Text: []string{s}}
}

// StringArray is a one-dimensional array of variable-length ASCII strings.
func StringArray(s []string) Value {
	return Value{Type: Type{Class: VarString, Size: varStringSize}, Shape: []int{len(s)}, Text: append([]string{}, s...)}
}

// FixedStrings is a one-dimensional array of ASCII strings of the longest one's
// length, the others padded with zero bytes.
func FixedStrings(s []string) Value {
	size := 1
	for _, x := range s {
		size = max(size, len(x))
	}
	data := make([]byte, size*len(s))
	for i, x := range s {
		copy(data[i*size:], x)
	}
	return Value{Type: Type{Class: FixedString, Size: size, Padding: NullPad}, Shape: []int{len(s)}, Data: data}
}

// Strings returns the elements of fixed or variable-length strings, the padding
// of fixed ones taken off.
func (v *Value) Strings() ([]string, error) {
	switch v.Type.Class {
	case VarString:
		return append([]string{}, v.Text...), nil
	case FixedString:
		size := v.Type.Size
		out := make([]string, 0, len(v.Data)/size)
		for i := 0; i+size <= len(v.Data); i += size {
			s := string(v.Data[i : i+size])
			switch v.Type.Padding {
			case NullTerm:
				s, _, _ = strings.Cut(s, "\x00")
			case NullPad:
				s = strings.TrimRight(s, "\x00")
			case SpacePad:
				s = strings.TrimRight(s, " ")
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("hdf5: want strings, have %s", v.Type)
}

// ScalarString returns the one string that v holds.
func (v *Value) ScalarString() (string, error) {
	s, err := v.Strings()
	if err != nil {
		return "", err
	}
	if len(s) != 1 {
		return "", fmt.Errorf("hdf5: want one string, have shape %v", v.Shape)
	}
	return s[0], nil
}

// Int64s returns integers as int64. A uint64 above the largest int64 is an error.
func (v *Value) Int64s() ([]int64, error) {
	if v.Type.Class != Integer {
		return nil, fmt.Errorf("hdf5: want integers, have %s", v.Type)
	}
	size := v.Type.Size
	out := make([]int64, len(v.Data)/size)
	for i := range out {
		u := unsignedAt(v.Data[i*size:], size)
		if v.Type.Signed {
			shift := 64 - 8*size
			out[i] = int64(u<<shift) >> shift // sign extension
			continue
		}
		if u > math.MaxInt64 {
			return nil, fmt.Errorf("hdf5: element %d is %d, above the largest int64", i, u)
		}
		out[i] = int64(u)
	}
	return out, nil
}

func unsignedAt(b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(le.Uint16(b))
	case 4:
		return uint64(le.Uint32(b))
	}
	return le.Uint64(b)
}

// Float64s returns any numbers as float64. An integer that no float64 equals is an error.
func (v *Value) Float64s() ([]float64, error) {
	switch {
	case v.Type == Float64:
		out := make([]float64, len(v.Data)/8)
		for i := range out {
			out[i] = math.Float64frombits(le.Uint64(v.Data[8*i:]))
		}
		return out, nil
	case v.Type.Class == Integer:
		ints, err := v.Int64s()
		if err != nil {
			return nil, err
		}
		out := make([]float64, len(ints))
		for i, n := range ints {
			out[i] = float64(n)
			// 2^63 itself does not fit back into an int64.
			if out[i] == 1<<63 || int64(out[i]) != n {
				return nil, fmt.Errorf("hdf5: element %d is %d, which no float64 equals", i, n)
			}
		}
		return out, nil
	}
	singles, err := v.Float32s()
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(singles))
	for i, f := range singles {
		out[i] = float64(f)
	}
	return out, nil
}

// Float32s returns any numbers as float32.
//
// float16, bfloat16 and float32 are exact; float64 is rounded to the nearest
// float32, and a finite one beyond float32's range is an error, as is an integer
// that no float32 equals. Two-byte opaque elements are taken for bfloat16, which
// is how Keras stores it (it adds an attribute dtype="bfloat16").
func (v *Value) Float32s() ([]float32, error) {
	switch v.Type.Class {
	case Float:
		switch v.Type.Size {
		case 2:
			out := make([]float32, len(v.Data)/2)
			for i := range out {
				out[i] = float16ToFloat32(le.Uint16(v.Data[2*i:]))
			}
			return out, nil
		case 4:
			out := make([]float32, len(v.Data)/4)
			for i := range out {
				out[i] = math.Float32frombits(le.Uint32(v.Data[4*i:]))
			}
			return out, nil
		case 8:
			return narrow(v)
		}
	case Integer:
		return narrow(v)
	case Opaque:
		if v.Type.Size == 2 {
			out := make([]float32, len(v.Data)/2)
			for i := range out {
				out[i] = math.Float32frombits(uint32(le.Uint16(v.Data[2*i:])) << 16)
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("hdf5: want numbers, have %s", v.Type)
}

func narrow(v *Value) ([]float32, error) {
	doubles, err := v.Float64s()
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(doubles))
	for i, d := range doubles {
		out[i] = float32(d)
		if math.IsInf(float64(out[i]), 0) && !math.IsInf(d, 0) {
			return nil, fmt.Errorf("hdf5: element %d is %g, beyond float32's range", i, d)
		}
		if v.Type.Class == Integer && float64(out[i]) != d {
			return nil, fmt.Errorf("hdf5: element %d is %.0f, which no float32 equals", i, d)
		}
	}
	return out, nil
}

// float16ToFloat32 widens an IEEE 754 binary16, which is always exact.
func float16ToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h >> 10 & 31)
	mantissa := uint32(h & 1023)
	switch exponent {
	case 0: // zero or subnormal: mantissa × 2^-24
		f := float32(mantissa) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 255<<23 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}
