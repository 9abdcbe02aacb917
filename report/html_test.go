package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// exampleNetwork has a shortcut, a branch with layers, and a concatenation.
func exampleNetwork() *Network {
	return &Network{Name: "example", Trainable: 1234567, Other: 64, Layers: []Layer{
		{"input", "InputLayer", []int{32, 32, 3}, 0, nil},
		{"conv2d", "Conv2D", []int{32, 32, 16}, 448, []int{0}},
		{"conv2d_1", "Conv2D", []int{32, 32, 16}, 2320, []int{1}},
		{"batch_normalization", "BatchNormalization", []int{32, 32, 16}, 64, []int{2}},
		{"shortcut", "Conv2D", []int{32, 32, 16}, 272, []int{1}},
		{"add", "Add", []int{32, 32, 16}, 0, []int{3, 4}},
		{"re_lu", "ReLU", []int{32, 32, 16}, 0, []int{5}},
		{"conv2d_2", "Conv2D", []int{32, 32, 16}, 2320, []int{6}},
		{"add_1", "Add", []int{32, 32, 16}, 0, []int{7, 6, 0}},
		{"concatenate", "Concatenate", []int{32, 32, 48}, 0, []int{8, 6, 1}},
		{"pool", "GlobalAveragePooling2D", []int{48}, 0, []int{9}},
		{"a_name_that_is_longer_than_any_box_will_be", "Dense", []int{10}, 490, []int{10}},
	}}
}

func exampleClasses(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("class %d", i))
	}
	return names
}

// examplePredictions are of images h high and wide, drawn as stripes, of which every seventh is taken for the next class.
func examplePredictions(t *testing.T, samples int, classes []string, h, channels int) *Predictions {
	p := NewPredictions("test data", 2*samples, classes, []int{h, h, channels})
	x := make([]float32, h*h*channels)
	output := make([]float32, len(classes))
	for i := range samples {
		label := i * i % len(classes)
		for j := range x {
			x[j] = float32((j/channels+j*(j%channels+1)*label+i)%17) / 16
		}
		predicted := label
		if i%7 == 3 {
			predicted = (label + 1 + i%2) % len(classes)
		}
		for j := range output {
			output[j] = 0.1 / float32(len(classes)-1)
		}
		output[predicted] = 0.9
		require.NoError(t, p.Add(x, label, output))
	}
	return p
}

func exampleRun(t *testing.T) *Run {
	c := exampleCurves()
	r := &Run{
		Title: "mnist-cnn on mnist", State: Stopped, Reason: "early_stopping: val_loss 0.0471 did not improve on 0.0462; 2 epochs without improvement, patience 2",
		Duration: 166 * time.Second, Best: &Best{7, "val_loss", 0.0462}, Curves: c,
		TestName: "test data", Test: map[string]float64{"loss": 0.0301, "accuracy": 0.9912},
		Predictions: examplePredictions(t, 1000, []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}, 32, 3),
		Network:     exampleNetwork(), Configuration: "model: mnist-cnn\ndata: mnist\nepochs: 12\ncallbacks:\n- early_stopping:\n    monitor: val_loss\n",
		Environment: []Setting{{"device", "cpu avx512"}, {"threads", "2"}, {"seed", "1"}, {"version", "v0.0.0-20260101000000-0123456789abcdef"}},
	}
	for _, m := range c.Marks {
		r.Decisions = append(r.Decisions, Decision{Epoch: m.Epoch, Callback: "model_checkpoint", Action: "saved mejor_modelo.h5", Reason: "val_accuracy 0.9873 is better than 0.9861"})
	}
	r.Decisions[2].Update = 1200
	for i := range c.Epochs {
		r.Throughput = append(r.Throughput, 4000+300*math.Sin(float64(i)))
	}
	return r
}

func htmlOf(t *testing.T, r *Run) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteHTML(&out))
	return out.String()
}

// keep writes a report or a drawing where MESETA_KEEP_CURVES says, for looking at it.
func keep(t *testing.T, name, text string) {
	if dir := os.Getenv("MESETA_KEEP_CURVES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
	}
}

// wellFormed wants an XML document, or a part of one, whose tags all close.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}

// outline is the structure of a page: its elements, indented, with id and class; but what is in tables, drawings and lists.
// Each tag must be closed.
func outline(t *testing.T, page string) string {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "img", "br"}, xml.HTMLEntity
	var b strings.Builder
	var open []string
	hidden := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			assert.Empty(t, open, "elements that stay open")
			return b.String()
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			line := strings.Repeat(" ", len(open)-1) + token.Name.Local
			for _, a := range token.Attr {
				if a.Name.Local == "id" || a.Name.Local == "class" {
					line += " " + a.Name.Local + "=" + a.Value
				}
			}
			if hidden == 0 && !strings.HasSuffix(b.String(), line+"\n") {
				b.WriteString(line + "\n")
			}
			if hidden > 0 || slices.Contains([]string{"svg", "thead", "tbody", "figure", "dl"}, token.Name.Local) {
				hidden++
			}
		case xml.EndElement:
			require.NotEmpty(t, open)
			require.Equal(t, open[len(open)-1], token.Name.Local)
			open = open[:len(open)-1]
			if hidden > 0 {
				hidden--
			}
		}
	}
}

func TestReportStructure(t *testing.T) {
	got := outline(t, htmlOf(t, exampleRun(t)))
	want, err := os.ReadFile("testdata/report_outline.txt")
	if *rewrite {
		want, err = []byte(got), os.WriteFile("testdata/report_outline.txt", []byte(got), 0o666)
	}
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestReportShowsEverything(t *testing.T) {
	r := exampleRun(t)
	text := htmlOf(t, r)
	keep(t, "report.html", text)
	for _, want := range []string{
		"<title>mnist-cnn on mnist</title>", `class="state stopped-early">stopped early<`, "2 epochs without improvement", "99.12 %", "0.0462", "epoch 8", "2:46",
		"rate reduced", "best weights", `id="curves"`, `id="decisions"`, `id="confusion"`, `id="samples"`, `id="model"`, `id="configuration"`, `id="environment"`,
		"3, update 1200", "saved mejor_modelo.h5", "857 of 1,000 samples", "evenly chosen of the 2,000", "automobile", "batch_normalization", "32 × 32 × 48",
		"1,234,631 parameters: 1,234,567 trainable, 64 not; 4.71 MB", "- early_stopping:", "cpu avx512", "images per second",
	} {
		assert.True(t, strings.Contains(text, want), want)
	}
	assert.Equal(t, 2*4, strings.Count(text, `aria-label="`)-strings.Count(text, `class="sign"`)-1, "four panels for a wide and a narrow screen, and a network")
	assert.Equal(t, maxWrong+len(r.Predictions.right), strings.Count(text, "<figure"))
	assert.Equal(t, len(r.Decisions), strings.Count(text, "<small>model_checkpoint</small>"))
	for _, drawing := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		wellFormed(t, drawing)
	}
	assert.False(t, strings.Contains(text, "ZgotmplZ"), "what the template takes for unsafe")
	assert.Empty(t, regexp.MustCompile(`(?:src|href)="(?:[^d"]|d[^a"])|url\(|@import|<script|<link`).FindString(text), "it loads nothing")
	assert.True(t, text == htmlOf(t, exampleRun(t)), "the same run has the same report")
}

// What does not apply is left out; what is not a number has a text.
func TestReportsOfLittle(t *testing.T) {
	nan := math.NaN()
	for name, r := range map[string]*Run{
		"nothing": {},
		"no epoch": {
			Title: "a", State: Failed, Reason: "disk on fire", Network: &Network{}, Throughput: []float64{}, Predictions: NewPredictions("test", 0, nil, nil),
		},
		"one epoch": {
			State: Running, Curves: Curves{Epochs: []int{0}, Metrics: map[string][]float64{"loss": {2.5}, "learning_rate": {0.1}}}, Throughput: []float64{0},
		},
		"not finite": {
			State: Failed, Curves: Curves{Epochs: []int{0, 1}, Metrics: map[string][]float64{"loss": {nan, math.Inf(1)}, "val_loss": {nan, 1}}},
			Throughput: []float64{nan, math.Inf(1)}, Test: map[string]float64{"loss": nan, "accuracy": nan}, Best: &Best{0, "loss", math.Inf(-1)},
		},
	} {
		text := htmlOf(t, r)
		keep(t, strings.ReplaceAll(name, " ", "-")+".html", text)
		for _, section := range []string{"decisions", "confusion", "samples", "configuration", "environment"} {
			assert.False(t, strings.Contains(text, `id="`+section+`"`), "%s: %s", name, section)
		}
		assert.Equal(t, len(r.Curves.Epochs) > 0, strings.Contains(text, `id="curves"`), name)
		for _, path := range regexp.MustCompile(`d="[^"]*"|points="[^"]*"|c[xy]="[^"]*"|[xy]="[^"]*"`).FindAllString(text, -1) {
			assert.NotRegexp(t, "NaN|Inf", path, name)
		}
	}
	assert.True(t, strings.Contains(htmlOf(t, &Run{State: Interrupted, Reason: "interrupt"}), `class="state interrupted"`))
}

func TestReportEscapes(t *testing.T) {
	const evil = `<script>alert("1")</script>'"&\ué{{.}}</title></style>`
	r := exampleRun(t)
	r.Title, r.Reason, r.Configuration, r.TestName = evil, evil, evil, evil
	r.Predictions = examplePredictions(t, 50, []string{evil, "b", "c"}, 4, 1)
	r.Predictions.Set = evil
	r.Decisions = []Decision{{Callback: evil, Action: evil, Reason: evil}}
	r.Environment = []Setting{{evil, evil}}
	r.Network.Name = evil + "\x00\xff"
	r.Network.Layers[1] = Layer{evil, evil, []int{1}, 1, []int{0}}
	for name, values := range r.Curves.Metrics {
		delete(r.Curves.Metrics, name)
		r.Curves.Metrics[name+evil] = values
	}
	r.Test[evil], r.Best.Metric = 1, evil
	text := htmlOf(t, r)
	for _, no := range []string{"<script", `t("1`, "ZgotmplZ"} {
		assert.False(t, strings.Contains(text, no), no)
	}
	assert.Equal(t, 1, strings.Count(text, "</title></style>")+strings.Count(text, "</style>"))
	for _, drawing := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		wellFormed(t, drawing)
	}
	outline(t, text)
	assert.True(t, strings.Contains(text, "&lt;script&gt;alert("))
}

// A report's size does not grow without bounds.
func TestLargeReports(t *testing.T) {
	r := exampleRun(t)
	r.Curves = Curves{Metrics: map[string][]float64{}}
	r.Throughput, r.Decisions = nil, nil
	const epochs = 5_000
	for i := range epochs {
		r.Curves.Epochs = append(r.Curves.Epochs, i)
		for _, name := range []string{"loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"} {
			r.Curves.Metrics[name] = append(r.Curves.Metrics[name], 1/(1+float64(i)/100)+0.1*math.Sin(float64(i)))
		}
		r.Throughput = append(r.Throughput, 1000)
		r.Decisions = append(r.Decisions, Decision{Epoch: i, Callback: "model_checkpoint", Action: "saved", Reason: "each epoch"})
		r.Curves.Marks = append(r.Curves.Marks, Mark{i, MarkSave, "val_accuracy"}, Mark{i, MarkReduceLR, ""})
	}
	r.Predictions = examplePredictions(t, 400, exampleClasses(1000), 100, 3)
	start := time.Now()
	text := htmlOf(t, r)
	t.Logf("%d bytes in %v", len(text), time.Since(start))
	keep(t, "large.html", text)
	assert.Less(t, len(text), 5<<20)
	assert.False(t, strings.Contains(text, `class="matrix"`), "1,000 classes have no matrix")
	for _, want := range []string{"The last ones; 4700 earlier ones", "classes with a higher recall are left out", "Every 10 epochs"} {
		assert.True(t, strings.Contains(text, want), want)
	}

	// Of MNIST's kind it is small.
	r = exampleRun(t)
	r.Predictions = examplePredictions(t, 10_000, exampleClasses(10), 28, 1)
	assert.Less(t, len(htmlOf(t, r)), 200_000)
}

func TestReportFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	for range 2 { // the second replaces the first
		require.NoError(t, exampleRun(t).WriteFile(path))
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, htmlOf(t, exampleRun(t)) == string(content))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
	assert.ErrorContains(t, exampleRun(t).WriteFile(filepath.Join(t.TempDir(), "none", "r.html")), "no such file")
	r := exampleRun(t)
	r.Curves.Metrics["loss"] = r.Curves.Metrics["loss"][1:]
	assert.ErrorContains(t, r.WriteFile(path), "loss has 9 values for 10 epochs")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, after), "what cannot be written leaves the old one")
}

// A rate that moves within epochs is drawn update by update, from before the first epoch's end; else epoch by epoch.
func TestReportDrawsRatesOfUpdates(t *testing.T) {
	r := exampleRun(t)
	for i := range 500 {
		r.Rates = append(r.Rates, Rate{float64(i) / 50, r.Curves.Metrics["learning_rate"][i/50]})
	}
	assert.False(t, r.ratesMove(), "from epoch to epoch only")
	assert.True(t, htmlOf(t, r) == htmlOf(t, exampleRun(t)))
	for i := range r.Rates {
		r.Rates[i].Rate = 1e-3 * float64(min(i, 500-i)) / 250 // from 0, which has no place on the axis
	}
	assert.True(t, r.ratesMove())
	text := htmlOf(t, r)
	keep(t, "rates.html", text)
	curve := regexp.MustCompile(`class="p-rate"[^>]* d="(M[^"]*)"`).FindStringSubmatch(text)
	require.NotNil(t, curve)
	assert.Equal(t, 499, strings.Count(curve[1], ","), "every update but the first")
	outline(t, text)
}
