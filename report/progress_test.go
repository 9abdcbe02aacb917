package report

import (
	"bytes"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// page is a writer that two goroutines may use.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func TestPlainLines(t *testing.T) {
	var out page
	p := NewProgress(&out, ProgressOptions{Epochs: 12, StepsPerEpoch: 4, Metrics: []string{"loss", "accuracy"}})
	p.EpochBegin(0, 1e-3)
	require.Eventually(t, func() bool { return out.String() == "epoch  1/12  4 steps  lr 1.000e-03\n" }, time.Second, 5*time.Millisecond, "the first line comes within a second")
	metrics := func() map[string]float64 { return map[string]float64{"accuracy": 0.5, "loss": 2} }
	p.Step(1, 128, 1e-3, metrics)
	p.Println("a line for people\n")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "step 1/4") }, 5*time.Second, 5*time.Millisecond)
	assert.Regexp(t, `epoch  1/12  step 1/4  [\d,]+ img/s  loss 2.0000  accuracy 0.5000  lr 1.000e-03  \d+:\d\d left  run \d+:\d\d\n`, out.String())
	p.TestBegin(3)
	p.TestStep(2)
	p.EpochEnd(map[string]float64{"loss": 1e-5, "accuracy": math.NaN(), "val_loss": 3e7, "learning_rate": 1e-3}, 1e-3)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close())
	lines := strings.Split(out.String(), "\n")
	assert.Contains(t, lines, "a line for people")
	assert.Regexp(t, `^epoch  1/12  [\d.]+s  [\d,]+ img/s  loss 1.000e-05  accuracy nan  val_loss 3.000e\+07  lr 1.000e-03$`, lines[len(lines)-2])
}

func TestWrapped(t *testing.T) {
	fields := "epoch 1/3  0.8s  loss 2.7254  val_accuracy 0.1833"
	for columns, want := range map[int]string{
		100: fields, len(fields): fields,
		len(fields) - 1: "epoch 1/3  0.8s  loss 2.7254\n  val_accuracy 0.1833",
		20:              "epoch 1/3  0.8s\n  loss 2.7254\n  val_accuracy 0.1833",
		1:               "epoch 1/3\n  0.8s\n  loss 2.7254\n  val_accuracy 0.1833",
	} {
		assert.Equal(t, want, wrapped(fields, columns), columns)
	}
	assert.Equal(t, "Época 1: saving\n  the model", wrapped("Época 1: saving the model", 15))
	assert.Equal(t, "", wrapped("", 10))
}

// stuck is a terminal that takes nothing until it is let go.
type stuck struct{ release chan struct{} }

func (s stuck) Write(b []byte) (int, error) {
	<-s.release
	return len(b), nil
}

// However long the terminal takes, a step does not wait for it.
func TestStepsNeverWait(t *testing.T) {
	w := stuck{make(chan struct{})}
	p := NewProgress(w, ProgressOptions{Epochs: 2, StepsPerEpoch: 1000})
	done := make(chan struct{})
	go func() {
		for epoch := range 2 {
			p.EpochBegin(epoch, 1)
			for i := range 1000 {
				p.Step(i+1, 8, 1, nil)
				p.Println("x")
			}
			p.EpochEnd(nil, 1)
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		require.Fail(t, "a step waited for the terminal")
	}
	close(w.release)
	require.NoError(t, p.Close())
}

// Metrics are asked for a few times a second, however fast the steps are, and a step allocates nothing otherwise.
func TestMetricsAreSampled(t *testing.T) {
	p := newProgress(ProgressOptions{Epochs: 1, StepsPerEpoch: 1000})
	now := time.Unix(0, 0)
	p.clock = func() time.Time { return now }
	p.EpochBegin(0, 1)
	asked := 0
	metrics := func() map[string]float64 { asked++; return map[string]float64{"loss": 1} }
	for i := range 1000 {
		now = now.Add(time.Millisecond)
		p.Step(i+1, 1, 1, metrics)
	}
	assert.Equal(t, 10, asked)
	assert.Zero(t, testing.AllocsPerRun(100, func() { p.Step(1, 1, 1, nil) }))
}

func TestStateFitsItsWidth(t *testing.T) {
	o := ProgressOptions{Epochs: 12, StepsPerEpoch: 400}
	s := snapshot{
		epoch: 1, done: 100, samples: 12800, training: 2 * time.Second, rate: 1e-3, metrics: []string{"loss 0.1234", "accuracy 0.9876"},
		finished: 1, finishedTime: 10 * time.Second,
	}
	const full = "6,400 img/s  loss 0.1234  accuracy 0.9876  lr 1.000e-03  0:06 left  run 1:46"
	assert.Equal(t, full, s.state(o, 200))
	assert.Equal(t, full, s.state(o, len(full)))
	assert.Equal(t, "6,400 img/s  loss 0.1234  accuracy 0.9876  lr 1.000e-03  0:06 left", s.state(o, len(full)-1))
	assert.Equal(t, "6,400 img/s  loss 0.1234  lr 1.000e-03  0:06 left", s.state(o, 60))
	assert.Equal(t, "6,400 img/s  lr 1.000e-03  0:06 left", s.state(o, 10), "it never gets shorter than this")
	s.testing, s.tested, s.tests = true, 3, 7
	assert.Equal(t, "validation 3/7  loss 0.1234  accuracy 0.9876  lr 1.000e-03  run 1:46", s.state(o, 200))
	assert.InDelta(t, 3.0/7, s.fraction(o), 1e-9)
	assert.Equal(t, "lr 0.000e+00", snapshot{}.state(o, 200))
}

func TestTexts(t *testing.T) {
	for x, want := range map[float64]string{0: "0.0000", 1.5: "1.5000", -0.25: "-0.2500", 1e-4: "1.000e-04", 123456: "123456.0000", 1e6: "1.000e+06", math.Inf(1): "inf", math.Inf(-1): "-inf"} {
		assert.Equal(t, want, value(x))
	}
	assert.Equal(t, "nan", value(math.NaN()))
	assert.Equal(t, "lr 1.000e-08", rate(1e-8))
	for x, want := range map[float64]string{0: "0", 999.4: "999", 999.6: "1,000", 1234567: "1,234,567"} {
		assert.Equal(t, want, grouped(x))
	}
	for d, want := range map[time.Duration]string{0: "0:00", time.Second / 2: "0:01", 754 * time.Second: "12:34", 3723 * time.Second: "1:02:03"} {
		assert.Equal(t, want, clock(d))
	}
	assert.False(t, isTerminal(io.Discard))
}
