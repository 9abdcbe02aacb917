package report

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// tensor is a decoded TensorProto.
type tensor struct {
	dtype   uint64
	shape   []int
	content []byte
	texts   [][]byte
}

func decodeTensor(t testing.TB, b []byte) (x tensor) {
	require.NoError(t, eachField(b, func(field protowire.Number, number uint64, content []byte) error {
		switch field {
		case 1:
			x.dtype = number
		case 2:
			return eachField(content, func(_ protowire.Number, _ uint64, dim []byte) error {
				return eachField(dim, func(_ protowire.Number, size uint64, _ []byte) error {
					x.shape = append(x.shape, int(size))
					return nil
				})
			})
		case 4:
			x.content = content
		case 8:
			x.texts = append(x.texts, content)
		}
		return nil
	}))
	return x
}

// buckets of a histogram's tensor: left edge, right edge, count.
func (x tensor) buckets() (rows [][3]float64) {
	for b := x.content; len(b) > 0; b = b[24:] {
		var row [3]float64
		for i := range row {
			row[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		rows = append(rows, row)
	}
	return rows
}

// images of a summary's tensor.
func (x tensor) images(t testing.TB) (list []image.Image) {
	require.Equal(t, []int{len(x.texts)}, x.shape)
	for _, text := range x.texts[2:] {
		m, err := png.Decode(bytes.NewReader(text))
		require.NoError(t, err)
		assert.Equal(t, string(x.texts[0]), strconv.Itoa(m.Bounds().Dx()))
		assert.Equal(t, string(x.texts[1]), strconv.Itoa(m.Bounds().Dy()))
		list = append(list, m)
	}
	return list
}

func readRecords(t testing.TB, file []byte) (records [][]byte) {
	for r := bytes.NewReader(file); r.Len() > 0; {
		data, err := readRecord(r)
		require.NoError(t, err)
		records = append(records, data)
	}
	return records
}

// writeEvents writes events at a set time, and returns the file.
func writeEvents(t testing.TB, write func(e *Events)) []byte {
	dir := t.TempDir()
	e, err := CreateEvents(filepath.Join(dir, "train"))
	require.NoError(t, err)
	write(e)
	require.NoError(t, e.Close())
	files, err := filepath.Glob(filepath.Join(dir, "train", "events.out.tfevents.*.v2"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	file, err := os.ReadFile(files[0])
	require.NoError(t, err)
	return file
}

func greyImages(n, width, height int, step uint8) (images []image.Image) {
	next := uint8(0)
	for range n {
		m := image.NewGray(image.Rect(0, 0, width, height))
		for i := range m.Pix {
			m.Pix[i] = next * step
			next++
		}
		images = append(images, m)
	}
	return images
}

// Events are TensorFlow's byte for byte, but for the name of the writer and the compression of PNG.
func TestEventsAreTensorFlows(t *testing.T) {
	golden, err := os.ReadFile("testdata/golden.tfevents")
	require.NoError(t, err)
	want := readRecords(t, golden)

	var wave []float32
	for i := range 1000 {
		s := float32(math.Sin(float64(float32(i))))
		wave = append(wave, s*s*s)
	}
	images, err := ImageSummary("grey/image", greyImages(2, 3, 2, 20))
	require.NoError(t, err)
	at := 0
	file := writeEvents(t, func(e *Events) {
		e.now = func() time.Time { at++; return time.Unix(1700000000+int64(at), 250e6) }
		for _, s := range []struct {
			step    int64
			summary Summary
		}{
			{0, NetworkSummary("keras", []byte(`{"class_name": "Sequential"}`))},
			{0, ScalarSummary("epoch_loss", 0.1)}, {300, ScalarSummary("batch_loss", math.NaN())}, {1 << 40, ScalarSummary("big", 1e30)},
			{1, HistogramSummary("wave/histogram", wave)}, {1, HistogramSummary("few/histogram", []float32{0, 1, 2, 3, 3, 3, -1})},
			{1, HistogramSummary("one/histogram", []float32{2, 2, 2})}, {1, HistogramSummary("none/histogram", nil)},
			{2, images},
		} {
			require.NoError(t, e.Write(s.step, s.summary))
		}
	})
	got := readRecords(t, file)
	require.Len(t, got, len(want))
	for i, record := range got {
		a, err := decodeEvent(want[i])
		require.NoError(t, err)
		b, err := decodeEvent(record)
		require.NoError(t, err)
		switch {
		case i == 0:
			assert.Equal(t, a.Version, b.Version)
			assert.Equal(t, "meseta", b.Writer)
		case b.Summaries[0].plugin == "images":
			assert.Equal(t, decodeTensor(t, a.Summaries[0].tensor).images(t), decodeTensor(t, b.Summaries[0].tensor).images(t))
			a.Summaries[0].tensor, b.Summaries[0].tensor = nil, nil
			assert.Equal(t, a, b)
		case b.Summaries[0].tag == "wave/histogram":
			// A cube in float32 is not everywhere rounded alike, so a value may lie a bucket further.
			x, y := decodeTensor(t, a.Summaries[0].tensor).buckets(), decodeTensor(t, b.Summaries[0].tensor).buckets()
			require.Len(t, y, 30)
			for k := range x {
				assert.InDeltaSlice(t, x[k][:2], y[k][:2], 1e-6)
				assert.InDelta(t, x[k][2], y[k][2], 2)
			}
		default:
			assert.Equal(t, want[i], record, b.Summaries[0].tag)
		}
	}
}

// Whatever is written is read back: every value finds its bucket, and every step its numbers.
func TestEventsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		values := make([]float32, rng.IntN(300))
		finiteValues := 0
		for i := range values {
			values[i] = float32(math.Ldexp(rng.Float64()-0.5, rng.IntN(60)-30))
			switch rng.IntN(40) {
			case 0:
				values[i] = float32(math.NaN())
			case 1:
				values[i] = float32(math.Inf(rng.IntN(2)*2 - 1))
			default:
				finiteValues++
			}
		}
		step, x := rng.Int64N(math.MaxInt64), rng.NormFloat64()
		width, height, n := 1+rng.IntN(5), 1+rng.IntN(5), 1+rng.IntN(4)
		pictures := greyImages(n, width, height, uint8(rng.IntN(256)))
		tag := fmt.Sprint("ñ/", rng.IntN(1000))
		images, err := ImageSummary(tag, pictures)
		require.NoError(t, err)
		file := writeEvents(t, func(e *Events) {
			require.NoError(t, e.Write(step, ScalarSummary(tag, x), HistogramSummary(tag, values), images))
			require.NoError(t, e.Write(0))
		})
		events, err := ReadEvents(bytes.NewReader(file))
		require.NoError(t, err)
		require.Len(t, events, 3)
		e := events[1]
		assert.Equal(t, step, e.Step)
		assert.InDelta(t, float64(time.Now().Unix()), e.Time, 60)
		require.Len(t, e.Summaries, 3)
		for _, s := range e.Summaries {
			assert.Equal(t, tag, s.Tag())
		}
		scalar, ok := e.Summaries[0].Scalar()
		assert.True(t, ok)
		assert.Equal(t, float32(x), scalar)
		_, ok = e.Summaries[1].Scalar()
		assert.False(t, ok)

		histogram := decodeTensor(t, e.Summaries[1].tensor)
		assert.Equal(t, []int{30, 3}, histogram.shape)
		rows := histogram.buckets()
		require.Len(t, rows, 30)
		total := 0.0
		for i, row := range rows {
			total += row[2]
			assert.LessOrEqual(t, row[0], row[1])
			if i > 0 {
				assert.Equal(t, rows[i-1][1], row[0], "buckets touch")
			}
			inside := 0.0
			slack := (rows[29][1] - rows[0][0]) * 1e-12
			for _, v := range values {
				if float64(v) > row[0]+slack && float64(v) < row[1]-slack {
					inside++
				}
			}
			assert.GreaterOrEqual(t, row[2], inside)
		}
		assert.EqualValues(t, finiteValues, total)

		back := decodeTensor(t, e.Summaries[2].tensor).images(t)
		require.Len(t, back, n)
		for i, m := range back {
			assert.Equal(t, pictures[i], m)
		}
	}
}

func TestImageSummaryWantsImagesOfOneSize(t *testing.T) {
	_, err := ImageSummary("a", nil)
	assert.ErrorContains(t, err, `"a" has no image`)
	_, err = ImageSummary("a", append(greyImages(1, 2, 2, 1), greyImages(1, 2, 3, 1)...))
	assert.ErrorContains(t, err, "images of (2,2) and (2,3) pixels")
}

// A file that is cut off anywhere has its whole events still, and a wrong byte is found.
func TestTornEventFile(t *testing.T) {
	file := writeEvents(t, func(e *Events) {
		for step := range int64(4) {
			require.NoError(t, e.Write(step, ScalarSummary("loss", 1)))
		}
	})
	whole, err := ReadEvents(bytes.NewReader(file))
	require.NoError(t, err)
	require.Len(t, whole, 5)
	for cut := range file {
		events, err := ReadEvents(bytes.NewReader(file[:cut]))
		require.NoError(t, err)
		require.Less(t, len(events), len(whole))
		for i := range events {
			require.Equal(t, whole[i], events[i])
		}
		broken := bytes.Clone(file)
		broken[cut] ^= 1
		_, err = ReadEvents(bytes.NewReader(broken))
		require.ErrorContains(t, err, "report: event ")
	}
}

// Whatever is in a file, it is read or refused; nothing is taken for an event that has a wrong sum.
func FuzzReadEvents(f *testing.F) {
	golden, err := os.ReadFile("testdata/golden.tfevents")
	require.NoError(f, err)
	f.Add(golden)
	f.Add(closeRecord(make([]byte, recordHead)))
	f.Add(closeRecord(append(make([]byte, recordHead), 0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f)))
	f.Fuzz(func(t *testing.T, file []byte) {
		events, err := ReadEvents(bytes.NewReader(file))
		for _, e := range events {
			for _, s := range e.Summaries {
				_, _ = s.Scalar()
			}
		}
		if err != nil {
			assert.ErrorContains(t, err, "report: event ")
		}
		// The same bytes as the data of a record, so that the sums do not keep the fuzzer out.
		_, _ = ReadEvents(bytes.NewReader(closeRecord(append(make([]byte, recordHead), file...))))
	})
}

func TestEventFilesOfOneSecondLieSideBySide(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		e, err := CreateEvents(dir)
		require.NoError(t, err)
		defer e.Close()
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 5)
}

func TestEventFilesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := CreateEvents(file)
	assert.ErrorContains(t, err, "report: ")
	e, err := CreateEvents(dir)
	require.NoError(t, err)
	require.NoError(t, e.Close())
	assert.ErrorContains(t, e.Write(1, ScalarSummary("loss", 1)), "choose another directory")
}

// After the first event, writing scalars allocates what the summaries hold, and no buffer of the file.
func BenchmarkEvents(b *testing.B) {
	e, err := CreateEvents(b.TempDir())
	require.NoError(b, err)
	defer e.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Write(1, ScalarSummary("batch_loss", 0.5), ScalarSummary("batch_accuracy", 0.5)); err != nil {
			b.Fatal(err)
		}
	}
}
