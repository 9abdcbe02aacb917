package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Events is a file of events that TensorBoard reads: a sequence of records, each a protocol buffer of the type
// tensorflow.Event, as TensorFlow 2 writes them. Every Write is one write to the file, so that a run that is killed leaves
// whole events, or a last one cut off that TensorBoard passes over.
type Events struct {
	file   *os.File
	buffer []byte // of a record, used again
	now    func() time.Time
}

// CreateEvents makes a new event file in dir, which is made if it is missing. Files of earlier runs stay beside it, and
// TensorBoard shows all of them as one run, ordered by their names, which begin with the time.
func CreateEvents(dir string) (*Events, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	e := &Events{now: time.Now}
	for number := 0; e.file == nil; number++ {
		name := fmt.Sprintf("events.out.tfevents.%010d.meseta.%d.%d.v2", e.now().Unix(), os.Getpid(), number)
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case errors.Is(err, fs.ErrExist): // of this process and second
		case err != nil:
			return nil, fmt.Errorf("report: %w", err)
		default:
			e.file = file
		}
	}
	if err := e.record(appendVersion); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Write writes summaries of one step as an event of now.
func (e *Events) Write(step int64, summaries ...Summary) error {
	return e.record(func(b []byte) []byte { return appendSummaries(b, step, summaries) })
}

// Close closes the file.
func (e *Events) Close() error { return e.file.Close() }

// record writes one event: its time and what fields adds.
func (e *Events) record(fields func([]byte) []byte) error {
	b := append(e.buffer[:0], make([]byte, recordHead)...)
	b = protowire.AppendTag(b, 1, protowire.Fixed64Type) // Event.wall_time, in seconds
	now := e.now()
	b = protowire.AppendFixed64(b, math.Float64bits(float64(now.Unix())+float64(now.Nanosecond())/1e9))
	e.buffer = closeRecord(fields(b))
	if _, err := e.file.Write(e.buffer); err != nil {
		return fmt.Errorf("report: writing %s: %w; free some space, or choose another directory", e.file.Name(), err)
	}
	return nil
}

// A record is the length of its data as a little-endian uint64, a checksum of those 8 bytes, the data, and its checksum.
// tensorflow/core/lib/io/record_writer.h.
const recordHead = 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedSum is a CRC-32C, rotated and shifted because sums of data that holds sums are weak.
func maskedSum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// closeRecord fills in the head that b begins with, and appends the checksum of the data behind it.
func closeRecord(b []byte) []byte {
	binary.LittleEndian.PutUint64(b, uint64(len(b)-recordHead))
	binary.LittleEndian.PutUint32(b[8:], maskedSum(b[:8]))
	return binary.LittleEndian.AppendUint32(b, maskedSum(b[recordHead:]))
}

// appendVersion appends what the first event of a file says.
func appendVersion(b []byte) []byte {
	b = appendText(b, 3, "brain.Event:2")                     // Event.file_version
	return appendMessage(b, 10, appendText(nil, 1, "meseta")) // Event.source_metadata.writer
}

func appendSummaries(b []byte, step int64, summaries []Summary) []byte {
	if step != 0 {
		b = protowire.AppendTag(b, 2, protowire.VarintType) // Event.step
		b = protowire.AppendVarint(b, uint64(step))
	}
	var all []byte
	for _, s := range summaries {
		value := appendText(nil, 1, s.tag) // Summary.Value.tag, .tensor, .metadata.plugin_data
		value = appendMessage(value, 8, s.tensor)
		plugin := appendText(nil, 1, s.plugin)
		if s.content != "" {
			plugin = appendText(plugin, 2, s.content)
		}
		value = appendMessage(value, 9, appendMessage(nil, 1, plugin))
		all = appendMessage(all, 1, value) // Summary.value
	}
	return appendMessage(b, 5, all) // Event.summary
}

func appendText(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}
