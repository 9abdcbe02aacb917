package report

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// Summary is a value with a name that TensorBoard shows: a scalar, a histogram, images or a network.
type Summary struct {
	tag     string
	plugin  string // the part of TensorBoard that shows it
	content string // what that part wants to know
	tensor  []byte // a protocol buffer of the type tensorflow.TensorProto
}

// Tag is its name.
func (s Summary) Tag() string { return s.tag }

// ScalarSummary is a number, rounded to float32.
func ScalarSummary(tag string, x float64) Summary {
	content := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(x)))
	return Summary{tag: tag, plugin: "scalars", tensor: appendTensor(typeFloat, nil, content)}
}

const histogramBuckets = 30

// HistogramSummary is how values are distributed: the counts in 30 equally wide buckets from the least to the greatest
// value, which belongs to the last bucket. Values that are not finite are left out. Where all are the same, the last bucket
// has them and the others are empty; where there are none, all are [0, 0] and empty.
// Source: tensorboard/plugins/histogram/summary_v2.py.
func HistogramSummary(tag string, values []float32) Summary {
	low, high := math.Inf(1), math.Inf(-1)
	n := 0
	for _, v := range values {
		if x := float64(v); finite(x) {
			low, high = min(low, x), max(high, x)
			n++
		}
	}
	if n == 0 {
		low, high = 0, 0
	}
	var counts [histogramBuckets]float64
	width := (high - low) / histogramBuckets
	for _, v := range values {
		x := float64(v)
		switch {
		case !finite(x):
		case width > 0:
			counts[min(int((x-low)/width), histogramBuckets-1)]++
		default:
			counts[histogramBuckets-1]++
		}
	}
	edge := func(i int) float64 {
		if i == histogramBuckets {
			return high
		}
		return low + width*float64(i)
	}
	var content []byte
	for i, count := range counts {
		for _, x := range []float64{edge(i), edge(i + 1), count} {
			content = binary.LittleEndian.AppendUint64(content, math.Float64bits(x))
		}
	}
	return Summary{tag: tag, plugin: "histograms", tensor: appendTensor(typeDouble, []int{histogramBuckets, 3}, content)}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// ImageSummary is a row of images of the same size, at least one, stored as PNG.
func ImageSummary(tag string, images []image.Image) (Summary, error) {
	if len(images) == 0 {
		return Summary{}, fmt.Errorf("report: the summary %q has no image", tag)
	}
	size := images[0].Bounds().Size()
	texts := [][]byte{strconv.AppendInt(nil, int64(size.X), 10), strconv.AppendInt(nil, int64(size.Y), 10)}
	for _, m := range images {
		if m.Bounds().Size() != size {
			return Summary{}, fmt.Errorf("report: the summary %q has images of %v and %v pixels; they must have one size", tag, size, m.Bounds().Size())
		}
		var encoded bytes.Buffer
		if err := png.Encode(&encoded, m); err != nil {
			return Summary{}, fmt.Errorf("report: the summary %q: %w", tag, err)
		}
		texts = append(texts, encoded.Bytes())
	}
	return Summary{tag: tag, plugin: "images", tensor: appendTexts([]int{len(texts)}, texts)}, nil
}

// NetworkSummary is a network as Keras's JSON, which the graph dashboard draws.
func NetworkSummary(tag string, json []byte) Summary {
	return Summary{tag: tag, plugin: "graph_keras_model", content: "1", tensor: appendTexts(nil, [][]byte{json})}
}

// Values of tensorflow.DataType.
const (
	typeFloat  = 1
	typeDouble = 2
	typeString = 7
)

// appendTensor makes a TensorProto of numbers in little-endian order.
func appendTensor(dtype uint64, shape []int, content []byte) []byte {
	return appendMessage(appendShape(dtype, shape), 4, content) // TensorProto.tensor_content
}

// appendTexts makes a TensorProto of strings.
func appendTexts(shape []int, texts [][]byte) []byte {
	b := appendShape(typeString, shape)
	for _, text := range texts {
		b = appendMessage(b, 8, text) // TensorProto.string_val
	}
	return b
}

func appendShape(dtype uint64, shape []int) []byte {
	b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), dtype) // TensorProto.dtype
	var dims []byte
	for _, n := range shape {
		size := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(n))
		dims = appendMessage(dims, 2, size) // TensorShapeProto.dim.size
	}
	return appendMessage(b, 2, dims) // TensorProto.tensor_shape
}
