package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// ProgressOptions is what progress needs to know of a run.
type ProgressOptions struct {
	Epochs        int
	StepsPerEpoch int
	Metrics       []string // the order in which metrics are shown
}

// Progress shows how a run goes: a bar on a terminal; elsewhere a line for each epoch and now and then one in between, the
// first at once.
//
// Its methods only note down what happened, and never wait for the terminal: a goroutine of its own draws. They are called
// from one goroutine.
type Progress struct {
	options ProgressOptions
	screen  screen
	clock   func() time.Time

	mu    sync.Mutex
	now   snapshot
	queue []string

	wake, stopped chan struct{}
	closed        bool
	sampled       time.Time // when the metrics in now were taken
}

// snapshot is where the run is.
type snapshot struct {
	epoch         int // 0-based
	running       bool
	done          int // updates of this epoch
	samples       float64
	began         time.Time     // when this epoch began
	training      time.Duration // spent on this epoch's updates so far
	finished      int           // epochs that ended
	finishedTime  time.Duration // and what they took together, validation included
	rate          float64
	metrics       []string // name and value of each
	testing       bool
	tested, tests int // batches of validation
}

// screen is where lines and the state of the run are shown.
type screen interface {
	line(text string) error
	draw(now snapshot) error
	close() error
}

const (
	drawEvery = 100 * time.Millisecond
	// Lines in between come seldom: a log of a long run stays readable.
	firstLineAfter = 200 * time.Millisecond
	lineEvery      = 15 * time.Second
)

// NewProgress starts showing progress on w: as a bar if it is a terminal that can draw one.
func NewProgress(w io.Writer, options ProgressOptions) *Progress {
	p := newProgress(options)
	if isTerminal(w) {
		p.screen = newBarScreen(w, options)
	} else {
		p.screen = &lineScreen{w: w, options: options, due: time.Now().Add(firstLineAfter)}
	}
	go p.paint()
	return p
}

func newProgress(options ProgressOptions) *Progress {
	return &Progress{options: options, clock: time.Now, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// paint is the goroutine that draws.
func (p *Progress) paint() {
	defer close(p.stopped)
	ticker := time.NewTicker(drawEvery)
	defer ticker.Stop()
	for {
		select {
		case _, open := <-p.wake:
			p.show()
			if !open {
				return
			}
		case <-ticker.C:
			p.show()
		}
	}
}

// show draws what is new. What cannot be drawn is lost: progress must never end a run.
func (p *Progress) show() {
	p.mu.Lock()
	now, lines := p.now, p.queue
	p.queue = nil
	p.mu.Unlock()
	for _, line := range lines {
		_ = p.screen.line(line)
	}
	if now.running {
		_ = p.screen.draw(now)
	}
}

func (p *Progress) poke() {
	select {
	case p.wake <- struct{}{}:
	default: // it is about to draw anyway
	}
}

// Println shows a line, above the bar if there is one.
func (p *Progress) Println(line string) {
	p.mu.Lock()
	p.queue = append(p.queue, strings.TrimRight(line, "\n"))
	p.mu.Unlock()
	p.poke()
}

// EpochBegin starts an epoch, 0-based. learningRate is that of its first update.
func (p *Progress) EpochBegin(epoch int, learningRate float64) {
	p.mu.Lock()
	n := &p.now
	*n = snapshot{epoch: epoch, running: true, began: p.clock(), rate: learningRate, finished: n.finished, finishedTime: n.finishedTime}
	p.mu.Unlock()
	p.sampled = time.Time{}
	p.poke()
}

// Step notes that done updates of the epoch are made, the last on size samples at learningRate. metrics is called a few
// times a second.
func (p *Progress) Step(done, size int, learningRate float64, metrics func() map[string]float64) {
	now := p.clock()
	sample := metrics != nil && now.Sub(p.sampled) >= drawEvery
	var texts []string
	if sample {
		p.sampled = now
		texts = metricTexts(metrics(), p.options.Metrics)
	}
	p.mu.Lock()
	n := &p.now
	n.done, n.rate, n.training = done, learningRate, now.Sub(n.began)
	n.samples += float64(size)
	if sample {
		n.metrics = texts
	}
	p.mu.Unlock()
}

// TestBegin starts validation of so many batches.
func (p *Progress) TestBegin(batches int) {
	p.mu.Lock()
	p.now.testing, p.now.tested, p.now.tests = true, 0, batches
	p.mu.Unlock()
}

// TestStep notes that done batches of validation are made.
func (p *Progress) TestStep(done int) {
	p.mu.Lock()
	p.now.tested = done
	p.mu.Unlock()
}

// EpochEnd shows the epoch's line. learningRate is that of its last update.
func (p *Progress) EpochEnd(metrics map[string]float64, learningRate float64) {
	p.mu.Lock()
	n := &p.now
	took := p.clock().Sub(n.began)
	n.running = false
	n.finished++
	n.finishedTime += took
	parts := []string{p.options.epochText(n.epoch), fmt.Sprintf("%.1fs", took.Seconds())}
	if speed := n.speed(); speed > 0 {
		parts = append(parts, grouped(speed)+" img/s")
	}
	parts = append(parts, metricTexts(metrics, p.options.Metrics)...)
	p.queue = append(p.queue, strings.Join(append(parts, rate(learningRate)), "  "))
	p.mu.Unlock()
	p.poke()
}

// Close shows what is left, and removes the bar. Calling it again does nothing.
func (p *Progress) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	p.mu.Lock()
	p.now.running = false
	p.mu.Unlock()
	close(p.wake)
	<-p.stopped
	return p.screen.close()
}

// epochText is "epoch  3/12", as wide for every epoch.
func (o ProgressOptions) epochText(epoch int) string {
	total := fmt.Sprint(o.Epochs)
	return fmt.Sprintf("epoch %*d/%s", len(total), epoch+1, total)
}

// speed is the samples per second of this epoch's training, validation left out.
func (s snapshot) speed() float64 {
	if s.training <= 0 {
		return 0
	}
	return s.samples / s.training.Seconds()
}

// left estimates what remains of the epoch's training, and of the run if no callback stops it.
func (s snapshot) left(o ProgressOptions) (epoch, run time.Duration, ok bool) {
	if s.done == 0 || o.StepsPerEpoch == 0 {
		return 0, 0, false
	}
	step := s.training / time.Duration(s.done)
	epoch = step * time.Duration(o.StepsPerEpoch-s.done)
	whole := step * time.Duration(o.StepsPerEpoch)
	if s.finished > 0 {
		whole = s.finishedTime / time.Duration(s.finished)
	}
	return epoch, epoch + whole*time.Duration(max(o.Epochs-s.epoch-1, 0)), true
}

// state is the part behind the bar: speed, metrics, rate, time left, in at most width columns if it can. Where they are
// too few it leaves out the time of the whole run, then metrics from the last to the first.
func (s snapshot) state(o ProgressOptions, width int) string {
	var head, tail []string
	if s.testing {
		head = append(head, fmt.Sprintf("validation %d/%d", s.tested, s.tests))
	} else if speed := s.speed(); speed > 0 {
		head = append(head, grouped(speed)+" img/s")
	}
	tail = append(tail, rate(s.rate))
	run := ""
	if epochLeft, runLeft, ok := s.left(o); ok {
		if !s.testing {
			tail = append(tail, clock(epochLeft)+" left")
		}
		run = "run " + clock(runLeft)
	}
	text := strings.Join(slices.Concat(head, s.metrics, tail, slices.DeleteFunc([]string{run}, func(s string) bool { return s == "" })), "  ")
	for shown := len(s.metrics); len(text) > width && shown >= 0; shown-- {
		text = strings.Join(slices.Concat(head, s.metrics[:shown], tail), "  ")
	}
	return text
}

// fraction is how much of the present phase is done.
func (s snapshot) fraction(o ProgressOptions) float64 {
	if s.testing {
		return float64(s.tested) / float64(max(s.tests, 1))
	}
	return float64(s.done) / float64(max(o.StepsPerEpoch, 1))
}

// lineScreen writes plain lines.
type lineScreen struct {
	w       io.Writer
	options ProgressOptions
	started bool
	due     time.Time // of the next line in between
}

func (l *lineScreen) line(text string) error {
	_, err := fmt.Fprintln(l.w, text)
	return err
}

func (l *lineScreen) draw(now snapshot) error {
	if !l.started {
		l.started = true
		return l.line(fmt.Sprintf("%s  %d steps  %s", l.options.epochText(now.epoch), l.options.StepsPerEpoch, rate(now.rate)))
	}
	at := time.Now()
	if at.Before(l.due) || now.done == 0 {
		return nil
	}
	l.due = at.Add(lineEvery)
	return l.line(fmt.Sprintf("%s  step %d/%d  %s", l.options.epochText(now.epoch), now.done, l.options.StepsPerEpoch, now.state(l.options, math.MaxInt)))
}

func (l *lineScreen) close() error { return nil }

// barScreen draws a bar with mpb, and lines above it.
type barScreen struct {
	options   ProgressOptions
	terminal  int // its file descriptor; -1 for none
	container *mpb.Progress
	bar       *mpb.Bar
	mu        sync.Mutex
	now       snapshot
}

const (
	barTotal     = 10000 // the bar is never full: mpb would take it for finished
	widestBar    = 24    // columns
	narrowestBar = 12    // what the text leaves for it, with the spaces around it
)

func newBarScreen(w io.Writer, options ProgressOptions) *barScreen {
	b := &barScreen{options: options, terminal: -1}
	if file, ok := w.(*os.File); ok {
		b.terminal = int(file.Fd())
	}
	b.container = mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(drawEvery))
	text := func(of func(now snapshot, width int) string) decor.Decorator {
		return decor.Any(func(s decor.Statistics) string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return of(b.now, s.AvailableWidth)
		})
	}
	b.bar = b.container.New(barTotal,
		mpb.BarStyle().Lbound(" ").Filler("━").Tip("━").Padding("─").Rbound(" "),
		mpb.BarWidth(widestBar),
		mpb.PrependDecorators(text(func(s snapshot, _ int) string { return options.epochText(s.epoch) })),
		mpb.AppendDecorators(text(func(s snapshot, width int) string {
			percent := fmt.Sprintf("%3.0f%%  ", 100*s.fraction(options))
			return percent + s.state(options, width-len(percent)-narrowestBar)
		})),
	)
	return b
}

func (b *barScreen) line(text string) error {
	if columns, _, err := term.GetSize(b.terminal); err == nil && columns > 0 { // one without a size says 0
		text = wrapped(text, columns)
	}
	_, err := b.container.Write([]byte(text + "\n"))
	return err
}

// wrapped breaks a line where it is wider than so many columns: between its fields, which two spaces part, or else between words; so that the terminal
// does not within one.
func wrapped(line string, columns int) string {
	space := " "
	if strings.Contains(line, "  ") {
		space = "  "
	}
	var b strings.Builder
	used := 0
	for i, word := range strings.Split(line, space) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+len(space)+n > columns:
			b.WriteString("\n  ")
			used = 2
		default:
			b.WriteString(space)
			used += len(space)
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}

func (b *barScreen) draw(now snapshot) error {
	b.mu.Lock()
	b.now = now
	b.mu.Unlock()
	b.bar.SetCurrent(min(int64(now.fraction(b.options)*barTotal), barTotal-1))
	return nil
}

func (b *barScreen) close() error {
	b.bar.Abort(true)
	b.container.Wait()
	return nil
}
