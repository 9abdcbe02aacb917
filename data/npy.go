package data

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gorgonia.org/tensor"
)

// The element types of .npy files that are read, by NumPy's names, and their sizes in bytes.
var npyTypes = map[string]struct {
	dtype tensor.Dtype
	size  int64
}{
	"<f4": {tensor.Float32, 4}, "<f8": {tensor.Float64, 8},
	"|u1": {tensor.Uint8, 1}, "<i4": {tensor.Int32, 4}, "<i8": {tensor.Int64, 8},
}

const npyMagic = "\x93NUMPY"

// LoadNPY reads the array of a .npy file. See ReadNPY.
func LoadNPY(path string) (*tensor.Dense, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	t, err := ReadNPY(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	return t, nil
}

// ReadNPY reads one array in NumPy's format, versions 1 to 3, from r, which gives size bytes.
//
// Elements are float32, float64, uint8, int32 or int64, little-endian, in C order, of at least one dimension and one
// element. The header's shape must fit size exactly, which is checked before memory is taken. Errors wrap ErrBroken or
// ErrUnsupported. Source: numpy.lib.format.
//
// It is our own reader because npyio trusts the header: damaged files make it panic, or allocate what they claim.
func ReadNPY(r io.Reader, size int64) (*tensor.Dense, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	shape, kind, header, err := npyHeader(in, size)
	if err != nil {
		return nil, err
	}
	element, ok := npyTypes[kind]
	if !ok {
		way := "convert them with .astype('float32')"
		if strings.ContainsAny(kind, "USO") {
			way = "save numbers; numpy.unique(names, return_inverse=True)[1] numbers the names of classes"
		}
		return nil, fmt.Errorf("data: npy: elements of type %q are %w; %s", kind, ErrUnsupported, way)
	}
	count, rest := int64(1), size-header
	for _, d := range shape {
		if d == 0 {
			return nil, fmt.Errorf("data: npy: an empty array, shape %v, is %w", shape, ErrUnsupported)
		}
		if count > rest/int64(d) {
			return nil, fmt.Errorf("data: npy: %w: %d bytes follow the header, shape %v of %s has more", ErrBroken, rest, shape, kind)
		}
		count *= int64(d)
	}
	if count*element.size != rest {
		return nil, fmt.Errorf("data: npy: %w: %d bytes follow the header, shape %v of %s has %d", ErrBroken, rest, shape, kind, count*element.size)
	}
	var backing any
	switch element.dtype {
	case tensor.Float32:
		backing, err = npyElements(in, count, 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	case tensor.Float64:
		backing, err = npyElements(in, count, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	case tensor.Uint8:
		backing, err = npyElements(in, count, 1, func(b []byte) uint8 { return b[0] })
	case tensor.Int32:
		backing, err = npyElements(in, count, 4, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) })
	case tensor.Int64:
		backing, err = npyElements(in, count, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	}
	if err != nil {
		return nil, fmt.Errorf("data: npy: %w: %w", ErrBroken, err)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing)), nil
}

// npyElements reads count elements of size bytes.
func npyElements[T number](r io.Reader, count int64, size int, decode func([]byte) T) ([]T, error) {
	values := make([]T, 0, count)
	chunk := make([]byte, 1<<15)
	for int64(len(values)) < count {
		part := chunk[:min(int64(len(chunk)), (count-int64(len(values)))*int64(size))]
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, whole(err)
		}
		for ; len(part) > 0; part = part[size:] {
			values = append(values, decode(part))
		}
	}
	return values, nil
}

// npyHeader reads up to the first element; header is how many bytes that took.
func npyHeader(r io.Reader, size int64) (shape []int, kind string, header int64, err error) {
	broken := func(format string, args ...any) error {
		return fmt.Errorf("data: npy: %w: %s", ErrBroken, fmt.Sprintf(format, args...))
	}
	start := make([]byte, 12)
	if _, err := io.ReadFull(r, start[:10]); err != nil {
		return nil, "", 0, broken("header: %v", whole(err))
	}
	if string(start[:6]) != npyMagic {
		return nil, "", 0, broken("it starts with % x, a .npy file with % x", start[:6], npyMagic)
	}
	var length int64
	switch start[6] {
	case 1:
		header, length = 10, int64(binary.LittleEndian.Uint16(start[8:]))
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return nil, "", 0, broken("header: %v", whole(err))
		}
		header, length = 12, int64(binary.LittleEndian.Uint32(start[8:]))
	default:
		return nil, "", 0, fmt.Errorf("data: npy: format version %d is %w; 1 to 3 are", start[6], ErrUnsupported)
	}
	// NumPy itself refuses to read headers above 10,000 bytes unless told otherwise.
	if length > 1<<16 || header+length > size {
		return nil, "", 0, broken("a header of %d bytes in %d", length, size)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, "", 0, broken("header: %v", whole(err))
	}
	fields, err := npyDictionary(string(text))
	if err != nil {
		return nil, "", 0, broken("header %.100q: %v", text, err)
	}
	switch fields["fortran_order"] {
	case "False":
	case "True":
		return nil, "", 0, fmt.Errorf("data: npy: an array in Fortran order is %w; save numpy.ascontiguousarray of it", ErrUnsupported)
	default:
		return nil, "", 0, broken("fortran_order is %q", fields["fortran_order"])
	}
	kind = fields["descr"]
	if !strings.HasPrefix(kind, "'") {
		return nil, "", 0, fmt.Errorf("data: npy: elements %s are %w; one number each is", kind, ErrUnsupported)
	}
	kind = strings.Trim(kind, "'")
	for side := range strings.SplitSeq(strings.Trim(fields["shape"], "()"), ",") {
		if side = strings.TrimSpace(side); side == "" {
			continue
		}
		d, err := strconv.ParseUint(side, 10, 31)
		if err != nil {
			return nil, "", 0, broken("shape %s", fields["shape"])
		}
		shape = append(shape, int(d))
	}
	if len(shape) == 0 {
		return nil, "", 0, fmt.Errorf("data: npy: a single number, shape %s, is %w; at least one dimension is needed", fields["shape"], ErrUnsupported)
	}
	return shape, kind, header + length, nil
}

// npyDictionary splits {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } into its three values, as written.
func npyDictionary(text string) (map[string]string, error) {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return nil, fmt.Errorf("no dictionary")
	}
	text = strings.TrimSpace(text[1 : len(text)-1])
	fields := map[string]string{}
	for text != "" {
		key, rest, found := strings.Cut(text, ":")
		key = strings.Trim(strings.TrimSpace(key), "'")
		if !found {
			return nil, fmt.Errorf("no value for %q", key)
		}
		rest = strings.TrimSpace(rest)
		// The value ends at the first comma outside brackets and quotes, or with the dictionary.
		depth, quoted, end := 0, false, len(rest)
	scan:
		for i := range len(rest) {
			switch c := rest[i]; {
			case c == '\'':
				quoted = !quoted
			case quoted:
			case c == '(' || c == '[':
				depth++
			case c == ')' || c == ']':
				depth--
			case c == ',' && depth == 0:
				end = i
				break scan
			}
		}
		if quoted || depth != 0 || fields[key] != "" {
			return nil, fmt.Errorf("cannot read %q", key)
		}
		fields[key] = strings.TrimSpace(rest[:end])
		text = strings.TrimSpace(strings.TrimPrefix(rest[end:], ","))
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if fields[key] == "" {
			return nil, fmt.Errorf("no %q", key)
		}
	}
	if shape := fields["shape"]; shape[0] != '(' || shape[len(shape)-1] != ')' || len(fields) != 3 {
		return nil, fmt.Errorf("a shape that is no tuple, or further keys")
	}
	return fields, nil
}

// SaveNPY writes t to a .npy file, complete or not at all: a file of that name is replaced only when t is on the disk.
func SaveNPY(path string, t *tensor.Dense) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := WriteNPY(f, t); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// WriteNPY writes t in NumPy's format, version 1. t is row-major, no view, of a type that ReadNPY reads.
func WriteNPY(w io.Writer, t *tensor.Dense) error {
	if err := plain(t); err != nil {
		return fmt.Errorf("data: npy: %w", err)
	}
	kind := ""
	for name, element := range npyTypes {
		if element.dtype == t.Dtype() {
			kind = name
		}
	}
	if kind == "" || t.Shape().IsScalar() {
		return fmt.Errorf("data: npy: writing %v of shape %v is %w", t.Dtype(), t.Shape(), ErrUnsupported)
	}
	var sides strings.Builder
	for _, d := range t.Shape() {
		fmt.Fprintf(&sides, "%d,", d)
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, sides.String())
	// Elements start at a multiple of 64 bytes; a line feed ends the header.
	length := (len(npyMagic)+4+len(header)+1+63)/64*64 - len(npyMagic) - 4
	header += strings.Repeat(" ", length-len(header)-1) + "\n"

	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString(npyMagic)
	out.Write([]byte{1, 0, byte(length), byte(length >> 8)})
	out.WriteString(header)
	if err := binary.Write(out, binary.LittleEndian, t.Data()); err != nil {
		return fmt.Errorf("data: npy: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("data: npy: %w", err)
	}
	return nil
}
