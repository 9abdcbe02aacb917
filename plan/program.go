package plan

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/meseta-go/meseta/internal/memory"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/meseta-go/meseta/ops"
)

// Program is what a model does with a batch of one size, as a list of operations with kernels and places. It belongs to a
// Session, in which its weights live, and is used by one goroutine at a time.
type Program struct {
	Mode  Mode
	Batch int
	Feed  Feed

	session *Session
	listing *listing
	kernels []kernels.Kernel // of each operation, nil for views
	places  *placement
	prepare func() error                                         // the fixed operations, nil where there are none
	pipe    kernels.Pipe                                         // the others
	bound   kernels.Memory                                       // the arena that both were bound to
	in      struct{ targets, weights, rate, counter, moves int } // places of inputs in the pipe, of which x is the first
	last    Step
}

// compile lists, fuses, chooses kernels and places values; nothing is bound to memory yet.
func compile(s *Session, mode Mode, batch int, feed Feed) (*Program, error) {
	l, err := lower(s.model, mode, batch, feed)
	if err != nil {
		return nil, err
	}
	if err := l.fuse(mode); err != nil {
		return nil, err
	}
	removeUnread(l.Graph, l.kept)
	if mode != Training {
		if err := l.prepareInputs(s.device); err != nil {
			return nil, err
		}
		l.hoist(l.constants())
	} else {
		l.hoist(l.filled())
	}
	if err := normalizeOnLoad(l.Graph, l.kept, s.device); err != nil {
		return nil, err
	}
	if err := l.checkGradients(); err != nil {
		return nil, err
	}
	p := &Program{Mode: mode, Batch: batch, Feed: feed, session: s, listing: l, kernels: make([]kernels.Kernel, len(l.Ops))}
	workspaces := make([]int, len(l.Ops))
	for i, op := range l.Ops {
		if ops.IsView(op.Operator) {
			continue
		}
		if p.kernels[i], err = l.choose(s.device, op); err != nil {
			return nil, err
		}
		workspaces[i] = p.kernels[i].WorkspaceBytes()
	}
	p.places = place(l, workspaces)
	p.in.targets, p.in.weights = 1, 1
	if l.targets != ops.None {
		p.in.weights++
	}
	p.in.rate = p.in.weights
	if l.weights != ops.None {
		p.in.rate++
	}
	p.in.counter, p.in.moves = p.in.rate+1, p.in.rate+2
	return p, nil
}

// checkGradients makes sure that every gradient is a value of its own, or another's view, since it gets a place of its own.
func (l *listing) checkGradients() error {
	u := usesOf(l.Graph, nil)
	seen := map[ops.Value]bool{}
	for _, g := range l.gradients {
		g = u.source(g)
		if u.maker[g] < 0 {
			return fmt.Errorf("plan: a gradient is the value %s itself, not one of its own", l.Values[g].Name)
		}
		if seen[g] {
			return fmt.Errorf("plan: the gradient made by %s (%s) is not a value of its own", l.Ops[u.maker[g]].Name(), l.Ops[u.maker[g]].Label)
		}
		seen[g] = true
	}
	return nil
}

// buffer is where v lives.
func (p *Program) buffer(v ops.Value) kernels.Buffer {
	st := p.places.list[p.places.of[v]]
	if st.outside != "" {
		return p.session.buffer(st.outside)
	}
	return kernels.Buffer{Memory: p.session.arena, Offset: st.offset, Bytes: p.listing.Type(v).Bytes()}
}

func (p *Program) buffers(vs []ops.Value) []kernels.Buffer {
	b := make([]kernels.Buffer, len(vs))
	for i, v := range vs {
		b[i] = p.buffer(v)
	}
	return b
}

// bind ties the kernels to the session's arena, unless they are, as they are no more when that has grown.
func (p *Program) bind() error {
	s, l := p.session, p.listing
	if p.bound == s.arena {
		return nil
	}
	steps := func(from, to int) (list []func()) {
		for i := from; i < to; i++ {
			if p.kernels[i] != nil {
				list = append(list, p.bindStep(i))
			}
		}
		return list
	}
	if l.fixed > 0 {
		p.prepare = s.device.Sequence(steps(0, l.fixed))
	}
	in := p.batchPlaces()
	var out []kernels.Buffer
	if p.Mode >= Evaluation {
		out = append(out, p.buffer(l.losses))
	}
	if p.Mode == Training {
		in, out = append(in, s.at.rate, s.at.counter), append(out, s.at.outcome)
		if s.TakesBytes() {
			in = append(in, kernels.Buffer{Bytes: feed.Most * feed.MoveBytes * p.Batch})
		}
	}
	var err error
	if p.pipe, err = s.device.Pipe(in, out, steps(l.fixed, len(p.kernels))); err != nil {
		return fmt.Errorf("plan: room for batches of %v of %s: %w; a smaller batch needs less", p.Mode, s.model.Layers.Name, err)
	}
	p.bound = s.arena
	return nil
}

// batchPlaces are those of what a batch brings, in the pipe's order.
func (p *Program) batchPlaces() []kernels.Buffer {
	in := []kernels.Buffer{p.buffer(p.listing.src)}
	for _, v := range []ops.Value{p.listing.targets, p.listing.weights} {
		if v != ops.None {
			in = append(in, p.buffer(v))
		}
	}
	return in
}

// bindStep ties the kernel of step i to the session's arena.
func (p *Program) bindStep(i int) func() {
	op := p.listing.Ops[i]
	b := kernels.Buffers{In: p.buffers(op.In), Out: p.buffers(op.Out)}
	if w := p.places.work[i]; w >= 0 {
		b.Workspace = kernels.Buffer{Memory: p.session.arena, Offset: p.places.list[w].offset, Bytes: p.places.list[w].bytes}
	}
	return p.kernels[i].Bind(b)
}

// Run does one step with the batch that SetBatch left, which it uses up. It does not allocate.
func (p *Program) Run() error {
	step, err := p.Start()
	if err != nil {
		return err
	}
	return step.Wait()
}

// Start is Run that need not wait until the step is over: the next one may be filled in and started meanwhile, of this program or another of the session.
func (p *Program) Start() (Step, error) {
	s := p.session
	if err := p.bind(); err != nil {
		return Step{}, err
	}
	if s.prepared != p {
		if p.prepare != nil {
			if err := p.prepare(); err != nil {
				return Step{}, err
			}
		}
		s.prepared = p
	}
	if p.Mode == Training {
		copy(p.pipe.In(p.in.rate), octets(s.rate[:]))
		copy(p.pipe.In(p.in.counter), octets(s.steps[:]))
	}
	run, err := p.pipe.Start()
	p.last = Step{p, p.pipe, run}
	return p.last, err
}

// fill gives an input of the next step to the device, or the host's part of it.
func (p *Program) fill(i int, src []byte) {
	if p.enter() {
		copyAll(p.pipe.In(i), src)
	}
}

// enter is called before an input is filled in. It is false where the program has no place in memory, as Start will say.
func (p *Program) enter() bool {
	if p.session.prepared != p {
		p.session.prepared = nil
	}
	return p.bind() == nil
}

func copyAll(dst, src []byte) { copy(dst, src[:len(dst)]) }

// SetBatch gives the next step its batch: x [Batch,H,W,C] and, but for Inference and where the feed has targets, labels [Batch].
func (p *Program) SetBatch(x []float32, labels []int32) {
	p.fill(0, octets(x))
	p.setLabels(labels)
}

// SetBytes is SetBatch of bytes [Batch,H,W,C], each of which stands for itself divided by divisor. moves [Batch,…] are done to the images then, in Training programs; empty is none.
// It is for sessions that take bytes.
func (p *Program) SetBytes(x []byte, divisor float32, moves []feed.Move, labels []int32) {
	if p.enter() {
		w := kernels.Wide{Divisor: divisor, Each: len(moves) / p.Batch}
		if w.Each > 0 {
			shape := p.listing.Type(p.listing.src).Shape
			w.H, w.W, w.C, w.Moves = shape[1], shape[2], shape[3], p.in.moves
			copy(p.pipe.In(p.in.moves), feed.Bytes(moves))
		}
		copyAll(p.pipe.(kernels.WidePipe).InBytes(w), x)
	}
	p.setLabels(labels)
}

func (p *Program) setLabels(labels []int32) {
	if p.listing.targets != ops.None && p.Feed.target[0] == 0 {
		p.fill(p.in.targets, octets(labels))
	}
}

// SetTargets gives the next step its targets [Batch,…]. It is for programs whose feed has some.
func (p *Program) SetTargets(targets []float32) { p.fill(p.in.targets, octets(targets)) }

// SetWeights gives the next step the weights of its samples [Batch]. It is for programs whose feed has some.
func (p *Program) SetWeights(weights []float32) { p.fill(p.in.weights, octets(weights)) }

// Prediction copies the network's output for the last batch, [Batch,…], to dst. It is kept in Inference programs only.
func (p *Program) Prediction(dst []float32) { read(p.buffer(p.listing.prediction), dst) }

// MeanLoss is the last step's.
func (p *Program) MeanLoss(each []float32) float64 { return p.last.MeanLoss(each) }

// Applied is the last step's.
func (p *Program) Applied() bool { return p.last.Applied() }

// ArenaBytes is the memory that the program's values take while a step runs.
func (p *Program) ArenaBytes() int { return p.places.bytes }

// FLOPs is the number of floating-point operations of a step, a multiply-add being two.
func (p *Program) FLOPs() int64 {
	var n int64
	for i := range p.listing.Ops {
		n += p.flops(i)
	}
	return n
}

func (p *Program) flops(i int) int64 {
	op := p.listing.Ops[i]
	c, ok := op.Operator.(ops.Coster)
	if !ok {
		return 0
	}
	return c.FLOPs(p.listing.inputs(op), p.listing.Types(op.Out))
}

// String prints the program, one step a line: its number, results with type and place in the arena, operation with its
// attributes, operands, floating-point operations, the kernel chosen, and the layer it stands for.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v of %d samples on %s\n", p.session.model.Layers.Name, p.Mode, p.Batch, p.session.device.String())
	fmt.Fprintf(&b, "%d steps, %.3f GFLOP, arena %s, store %s\n", len(p.listing.Ops), float64(p.FLOPs())/1e9, memory.Size(p.places.bytes), memory.Size(p.session.bytes))
	switch n := p.listing.fixed; {
	case n == 0:
	case p.Mode == Training:
		fmt.Fprintf(&b, "the first %d run once\n", n)
	default:
		fmt.Fprintf(&b, "the first %d run once for each set of weights\n", n)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for i, op := range p.listing.Ops {
		var outs, ins []string
		for _, v := range op.Out {
			outs = append(outs, fmt.Sprintf("%s %v@%d", p.name(v), p.listing.Type(v), p.places.list[p.places.of[v]].offset))
		}
		if len(outs) == 0 {
			outs = []string{"-"}
		}
		for _, v := range op.In {
			ins = append(ins, p.name(v))
		}
		if len(ins) > 6 {
			ins = append(ins[:5:5], fmt.Sprintf("… %d more", len(op.In)-5))
		}
		cost, variant := "-", "view"
		if n := p.flops(i); n > 0 {
			cost = fmt.Sprintf("%.3f MFLOP", float64(n)/1e6)
		}
		if p.kernels[i] != nil {
			variant = p.kernels[i].Variant()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t(%s)\t%s\t%s\t%s\n", i, strings.Join(outs, ", "), describe(op), strings.Join(ins, ", "), cost, variant, op.Label)
	}
	w.Flush()
	return b.String()
}

// describe names an operation with its attributes.
func describe(op ops.Op) string {
	if s, ok := op.Operator.(fmt.Stringer); ok && s.String() != "" {
		return op.Name() + " " + s.String()
	}
	return op.Name()
}

func (p *Program) name(v ops.Value) string {
	if n := p.listing.Values[v].Name; n != "" {
		return n
	}
	return fmt.Sprintf("%%%d", v)
}
