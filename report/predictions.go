package report

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
)

// Predictions is what a classifier says of labelled samples, gathered one by one with Add: which classes it mixes up, and
// some samples to look at. What it keeps does not grow with their number.
type Predictions struct {
	Set     string   // what they are of: "test data"
	Total   int      // samples that the set has; those added may be fewer
	Classes []string // names, in the order of the labels
	Logits  bool     // the network gives logits, not probabilities

	shape   []int // of a sample
	samples int
	counts  map[[2]int]int // by true and predicted class; most pairs of many classes never occur
	low     float32        // of all numbers of all samples
	high    float32
	wrong   []sample // the surest mistakes, the surest first
	right   []sample // the first one of each class, in the order met
}

// sample is one that is shown.
type sample struct {
	index            int // in the order added
	label, predicted int
	confidence       float64
	x                []float32
}

const (
	maxWrong = 24
	maxRight = 12
)

// NewPredictions begins with none. shape is that of a sample; samples of [H,W,1] and [H,W,3] are shown as images.
func NewPredictions(set string, total int, classes []string, shape []int) *Predictions {
	return &Predictions{
		Set: set, Total: total, Classes: classes, shape: slices.Clone(shape), counts: map[[2]int]int{},
		low: float32(math.Inf(1)), high: float32(math.Inf(-1)),
	}
}

// Add takes a sample x, its label, and what the network gives for it: probabilities or logits [classes], or one of these for
// the second of two classes.
func (p *Predictions) Add(x []float32, label int, output []float32) error {
	want := len(p.Classes)
	if label < 0 || label >= want || len(output) < want && (len(output) != 1 || want != 2) {
		return fmt.Errorf("report: label %d and %d outputs of a network that tells %d classes apart", label, len(output), want)
	}
	predicted, confidence := p.choose(output)
	for _, v := range x {
		if v < p.low { // not so for NaN
			p.low = v
		}
		if v > p.high {
			p.high = v
		}
	}
	s := sample{index: p.samples, label: label, predicted: predicted, confidence: confidence}
	p.samples++
	p.counts[[2]int{label, predicted}]++
	if label != predicted {
		at, _ := slices.BinarySearchFunc(p.wrong, s, func(a, b sample) int { return cmp.Or(cmp.Compare(b.confidence, a.confidence), a.index-b.index) })
		if at < maxWrong {
			s.x = slices.Clone(x)
			p.wrong = slices.Insert(p.wrong, at, s)
			p.wrong = p.wrong[:min(len(p.wrong), maxWrong)]
		}
	} else if len(p.right) < maxRight && !slices.ContainsFunc(p.right, func(r sample) bool { return r.label == label }) {
		s.x = slices.Clone(x)
		p.right = append(p.right, s)
	}
	return nil
}

// choose finds the class of an output and how probable the network says it is; NaN where it says nothing.
func (p *Predictions) choose(output []float32) (class int, confidence float64) {
	if len(output) == 1 {
		second := float64(output[0])
		if p.Logits {
			second = 1 / (1 + math.Exp(-second))
		}
		if second > 0.5 {
			return 1, second
		}
		return 0, 1 - second
	}
	sum, lowest := 0.0, math.Inf(1)
	for i, v := range output {
		if v > output[class] || output[class] != output[class] {
			class = i
		}
		sum, lowest = sum+float64(v), min(lowest, float64(v))
	}
	if !p.Logits && lowest >= 0 && math.Abs(sum-1) < 1e-3 {
		return class, float64(output[class])
	}
	sum = 0
	for _, v := range output {
		sum += math.Exp(float64(v) - float64(output[class]))
	}
	return class, 1 / sum
}

// Samples is how many were added.
func (p *Predictions) Samples() int { return p.samples }

// Right is how many of them were predicted as labelled.
func (p *Predictions) Right() (n int) {
	for pair, count := range p.counts {
		if pair[0] == pair[1] {
			n += count
		}
	}
	return n
}

// Count is how many samples of one class were predicted as another, or itself.
func (p *Predictions) Count(label, predicted int) int { return p.counts[[2]int{label, predicted}] }

// classFigures says how well one class is told from the others.
type classFigures struct {
	Name              string
	Samples           int
	Recall, Precision float64 // NaN where there is nothing to divide by
}

// perClass is in the order of the labels.
func (p *Predictions) perClass() []classFigures {
	labels, predicted := make([]int, len(p.Classes)), make([]int, len(p.Classes))
	for pair, n := range p.counts {
		labels[pair[0]] += n
		if pair[1] < len(predicted) { // a network may have more outputs than there are classes
			predicted[pair[1]] += n
		}
	}
	list := make([]classFigures, len(p.Classes))
	for i, name := range p.Classes {
		right := float64(p.Count(i, i))
		list[i] = classFigures{name, labels[i], right / float64(labels[i]), right / float64(predicted[i])}
	}
	return list
}

// mixUp is a pair of classes that were mixed up.
type mixUp struct {
	Label, Predicted string
	Count, Of        int
}

// worst are the pairs that were mixed up most often.
func (p *Predictions) worst(most int) []mixUp {
	labels := make([]int, len(p.Classes))
	var pairs [][2]int
	for pair, n := range p.counts {
		labels[pair[0]] += n
		if pair[0] != pair[1] {
			pairs = append(pairs, pair)
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int {
		return cmp.Or(p.counts[b]-p.counts[a], a[0]-b[0], a[1]-b[1])
	})
	var list []mixUp
	for _, pair := range pairs[:min(len(pairs), most)] {
		list = append(list, mixUp{p.class(pair[0]), p.class(pair[1]), p.counts[pair], labels[pair[0]]})
	}
	return list
}

// class is the name of one, or its number where it has none.
func (p *Predictions) class(i int) string {
	if i < len(p.Classes) {
		return p.Classes[i]
	}
	return fmt.Sprint(i)
}

// areImages says whether samples can be shown.
func (p *Predictions) areImages() bool {
	return len(p.shape) == 3 && (p.shape[2] == 1 || p.shape[2] == 3) && p.shape[0] > 0 && p.shape[1] > 0
}

// maxSide is the most pixels that an image in a report is high or wide.
const maxSide = 96

// image draws a sample [H,W,C], larger ones made smaller.
func (p *Predictions) image(x []float32) image.Image {
	h, w, c := p.shape[0], p.shape[1], p.shape[2]
	low, scale := p.valueRange()
	shrink := max(1, float64(max(h, w))/maxSide)
	height, width := max(1, int(math.Round(float64(h)/shrink))), max(1, int(math.Round(float64(w)/shrink)))
	value := func(row, column, channel int) uint8 { // the mean of the pixels that fall together
		sum, n := float32(0), 0
		for y := row * h / height; y < max((row+1)*h/height, row*h/height+1); y++ {
			for x0 := column * w / width; x0 < max((column+1)*w/width, column*w/width+1); x0++ {
				sum, n = sum+x[(y*w+x0)*c+channel], n+1
			}
		}
		v := (sum/float32(n) - low) * scale
		if !(v > 0) { // NaN too
			return 0
		}
		return uint8(min(v+0.5, 255))
	}
	if c == 1 {
		picture := image.NewGray(image.Rect(0, 0, width, height))
		for y := range height {
			for x := range width {
				picture.SetGray(x, y, color.Gray{Y: value(y, x, 0)})
			}
		}
		return picture
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, color.RGBA{value(y, x, 0), value(y, x, 1), value(y, x, 2), 0xff})
		}
	}
	return picture
}

// valueRange says how numbers become brightness: from 0 to 1 or from 0 to 255 as they usually are, else from the lowest to the highest
// of all samples.
func (p *Predictions) valueRange() (low, scale float32) {
	switch {
	case p.low >= 0 && p.high <= 1:
		return 0, 255
	case p.low >= 0 && p.high <= 255:
		return 0, 1
	case p.high > p.low:
		return p.low, 255 / (p.high - p.low)
	}
	return p.low, 0
}

// pictureURI is an image as a data URI.
func pictureURI(picture image.Image) (string, error) {
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, picture); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
