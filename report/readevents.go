package report

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Event is what was written at one time to an event file.
type Event struct {
	Time      float64 // seconds since 1970
	Step      int64
	Version   string // of the file; the first event has it and nothing else
	Writer    string // the program that wrote it, likewise
	Summaries []Summary
}

// maxRecord is the size of the largest event that is read, in bytes.
const maxRecord = 1 << 28

// ReadEvents reads an event file of this package's or of TensorFlow 2's, and checks its sums. An event at the end that a
// crash cut off is left out.
func ReadEvents(r io.Reader) ([]Event, error) {
	in := bufio.NewReader(r)
	var events []Event
	for number := 1; ; number++ {
		data, err := readRecord(in)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return events, nil
		}
		var e Event
		if err == nil {
			e, err = decodeEvent(data)
		}
		if err != nil {
			return events, fmt.Errorf("report: event %d: %w", number, err)
		}
		events = append(events, e)
	}
}

func readRecord(r io.Reader) ([]byte, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(head[:])
	if have, want := binary.LittleEndian.Uint32(head[8:]), maskedSum(head[:8]); have != want {
		return nil, fmt.Errorf("the sum of its length is %08x and should be %08x; the file is broken", have, want)
	}
	if size > maxRecord {
		return nil, fmt.Errorf("it has %d bytes, and at most %d are read", size, maxRecord)
	}
	// The file may be shorter than it says: memory is taken as data comes.
	data, err := io.ReadAll(io.LimitReader(r, int64(size)+4))
	if err != nil {
		return nil, err
	}
	if uint64(len(data)) < size+4 {
		return nil, io.ErrUnexpectedEOF
	}
	data, sum := data[:size], binary.LittleEndian.Uint32(data[size:])
	if want := maskedSum(data); sum != want {
		return nil, fmt.Errorf("its sum is %08x and should be %08x; the file is broken", sum, want)
	}
	return data, nil
}

// eachField visits the fields of a protocol buffer: a field's number, and what it holds as a uint64 or as bytes.
func eachField(b []byte, visit func(field protowire.Number, number uint64, content []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var number uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(field, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(field, number, content); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func decodeEvent(data []byte) (e Event, err error) {
	return e, eachField(data, func(field protowire.Number, number uint64, content []byte) error {
		switch field {
		case 1:
			e.Time = math.Float64frombits(number)
		case 2:
			e.Step = int64(number)
		case 3:
			e.Version = string(content)
		case 10:
			return eachField(content, func(_ protowire.Number, _ uint64, text []byte) error {
				e.Writer = string(text)
				return nil
			})
		case 5:
			return eachField(content, func(_ protowire.Number, _ uint64, value []byte) error {
				s, err := decodeSummary(value)
				e.Summaries = append(e.Summaries, s)
				return err
			})
		}
		return nil
	})
}

func decodeSummary(value []byte) (s Summary, err error) {
	return s, eachField(value, func(field protowire.Number, _ uint64, content []byte) error {
		switch field {
		case 1:
			s.tag = string(content)
		case 8:
			s.tensor = content
		case 9:
			return eachField(content, func(field protowire.Number, _ uint64, plugin []byte) error {
				if field != 1 {
					return nil
				}
				return eachField(plugin, func(field protowire.Number, _ uint64, text []byte) error {
					switch field {
					case 1:
						s.plugin = string(text)
					case 2:
						s.content = string(text)
					}
					return nil
				})
			})
		}
		return nil
	})
}

// Scalar is the number that a ScalarSummary holds; ok is false for another summary.
func (s Summary) Scalar() (x float32, ok bool) {
	if s.plugin != "scalars" {
		return 0, false
	}
	err := eachField(s.tensor, func(field protowire.Number, _ uint64, content []byte) error {
		if field == 4 && len(content) == 4 { // TensorProto.tensor_content
			x, ok = math.Float32frombits(binary.LittleEndian.Uint32(content)), true
		}
		return nil
	})
	return x, ok && err == nil
}
