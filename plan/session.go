package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/meseta-go/meseta/internal/memory"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/ops"
	"github.com/meseta-go/meseta/optimizers"
	"github.com/meseta-go/meseta/random"
)

// Session is a model's memory on a device: what lives across steps (the store), and one arena that its programs take turns in.
// It is used by one goroutine at a time.
type Session struct {
	model    Model
	device   kernels.Device
	seed     uint64
	entries  []Entry
	index    map[string]int
	bytes    int // of the store
	store    kernels.Memory
	arena    kernels.Memory
	room     int // of the arena
	programs map[key]*Program
	prepared *Program // the one whose fixed operations' results, of the present weights, are in the arena
	swapped  bool     // see SwapAverages
	sums     []sum

	// Places of what a run touches between steps, and numbers on their way there, kept here because a step neither looks
	// names up nor allocates.
	at struct {
		rate, iterations, counter, applied kernels.Buffer
		sums                               []kernels.Buffer
		outcome                            kernels.Buffer // applied and, behind it, all sums
	}
	rate  [1]float32
	steps [2]int64 // seed and number of the next step
	count [1]int64
	sum   []float64 // room for the largest of sums
}

// Entry is one value of the store.
type Entry struct {
	Name   string
	Type   ops.Type
	Kind   Kind
	offset int
}

// Kind says what an Entry is.
type Kind uint8

// The kinds.
const (
	Trainable Kind = iota // a weight that training changes
	Fixed                 // another weight, such as a moving mean
	Slot                  // what the optimizer keeps for a weight
	Sum                   // a running mean, or sums of a metric
	Scalar                // learning rate, counters
)

type key struct {
	mode  Mode
	batch int
	feed  Feed
}

// NewSession lays out and allocates the store of a model and gives weights their first values, which depend on the seed and on
// the weight's place in the network alone.
func NewSession(m Model, device kernels.Device, seed uint64) (*Session, error) {
	s := &Session{model: m, device: device, seed: seed, index: map[string]int{}, programs: map[key]*Program{}}
	var err error
	if s.sums, err = m.sums(); err != nil {
		return nil, err
	}
	if err := s.layOut(); err != nil {
		return nil, err
	}
	if s.store, err = device.Alloc(s.bytes); err != nil {
		return nil, fmt.Errorf("plan: %d bytes for the weights of %s: %w", s.bytes, m.Layers.Name, err)
	}
	for _, x := range s.sums {
		s.at.sums = append(s.at.sums, s.buffer(sumName(x.name)))
		s.sum = slices.Grow(s.sum[:0], x.kind().Shape.Size())
	}
	if m.Optimizer != nil {
		s.at.rate, s.at.iterations, s.at.counter, s.at.applied = s.buffer(learningRate), s.buffer(iterations), s.buffer(counter), s.buffer(applied)
		s.at.outcome = s.at.applied
		s.at.outcome.Bytes = s.bytes - kernels.Slack - s.at.applied.Offset
	}
	s.initialize()
	return s, nil
}

// layOut gives each entry its offset. Trainable weights lie side by side, and so do the values of each optimizer slot in the same
// order, so that an update is one sweep over each.
func (s *Session) layOut() error {
	var err error
	add := func(name string, t ops.Type, k Kind) {
		if _, ok := s.index[name]; ok && err == nil {
			err = fmt.Errorf("plan: two values are named %q", name)
		}
		s.index[name] = len(s.entries)
		s.entries = append(s.entries, Entry{name, t, k, s.bytes})
		s.bytes += roundUp(t.Bytes())
	}
	weights, groups, wrong := s.model.trained()
	if wrong != nil {
		return wrong
	}
	for _, w := range weights {
		add(w.path, ops.Type{Shape: w.Shape}, Trainable)
	}
	if o := s.model.Optimizer; o != nil {
		for _, slot := range optimizers.State(o) {
			own := slices.Contains(o.Slots(), slot)
			for _, g := range groups {
				for _, i := range g.Weights {
					if !own || slices.Contains(g.Slots, slot) {
						add(slotName(slot, weights[i].path), ops.Type{Shape: weights[i].Shape}, Slot)
					}
				}
			}
		}
		add(learningRate, ops.ScalarType, Scalar)
		add(iterations, ops.IterationsType, Scalar)
		add(counter, ops.CounterType, Scalar)
	}
	for _, p := range s.model.Layers.Layers {
		for _, w := range p.Weights {
			if !w.Trainable {
				add(p.Path(w), ops.Type{Shape: w.Shape}, Fixed)
			}
		}
	}
	if s.model.Optimizer != nil {
		add(applied, ops.FlagType, Scalar)
	}
	for _, x := range s.sums {
		add(sumName(x.name), x.kind(), Sum)
	}
	s.bytes += kernels.Slack
	return err
}

// initialize gives weights their first values.
func (s *Session) initialize() {
	s.draw()
	if s.model.Optimizer != nil {
		for _, e := range s.entries {
			if e.Kind != Slot {
				continue
			}
			slot, _ := SplitSlot(e.Name)
			if start := optimizers.SlotStart(s.model.Optimizer, slot); start != 0 {
				write(s.buffer(e.Name), slices.Repeat([]float32{start}, e.Type.Shape.Size()))
			}
		}
		s.SetLearningRate(s.model.Optimizer.Rate())
		s.SetStep(s.seed, 0)
		s.Resume()
	}
}

// draw fills the weights from their initializers, on as many threads as the device computes with. The numbers of a weight depend on its place
// in the network, not on when it is drawn.
func (s *Session) draw() {
	type drawn struct {
		layers.Weight
		buffer kernels.Buffer
		index  uint32
	}
	var weights []drawn
	for _, p := range s.model.Layers.Layers {
		for _, w := range p.Weights {
			weights = append(weights, drawn{w, s.buffer(p.Path(w)), uint32(len(weights))})
		}
	}
	slices.SortStableFunc(weights, func(a, b drawn) int { return cmp.Compare(b.Shape.Size(), a.Shape.Size()) }) // the longest work first
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(s.device.Threads(), len(weights)) {
		all.Go(func() {
			var values []float32
			for i := next.Add(1) - 1; i < int64(len(weights)); i = next.Add(1) - 1 {
				w := weights[i]
				values = slices.Grow(values[:0], w.Shape.Size())[:w.Shape.Size()]
				w.Initializer.Fill(values, w.Shape, &random.Stream{Seed: s.seed, Purpose: random.Initialize, Index: w.index})
				write(w.buffer, values)
			}
		})
	}
	all.Wait()
}

// Program compiles the program for a mode and batch size, or gives the one compiled before. Batches bring class labels; for others
// see ProgramFor.
func (s *Session) Program(mode Mode, batch int) (*Program, error) {
	return s.ProgramFor(mode, batch, Feed{})
}

// ProgramFor is Program for batches that bring other things beside samples.
func (s *Session) ProgramFor(mode Mode, batch int, feed Feed) (*Program, error) {
	if mode == Inference {
		feed = Feed{}
	}
	k := key{mode, batch, feed}
	if p, ok := s.programs[k]; ok {
		return p, nil
	}
	p, err := compile(s, mode, batch, feed)
	if err != nil {
		return nil, err
	}
	if p.places.bytes+kernels.Slack > s.room {
		room := p.places.bytes + kernels.Slack
		arena, err := s.device.Alloc(room)
		if err != nil {
			return nil, fmt.Errorf("plan: %v of %d samples of %s wants an arena of %s: %w; a smaller batch needs less", mode, batch, s.model.Layers.Name, memory.Size(room), err)
		}
		if s.arena != nil {
			if err := s.arena.Free(); err != nil {
				return nil, err
			}
		}
		s.arena, s.room, s.prepared = arena, room, nil
	}
	s.programs[k] = p
	return p, nil
}

// buffer is where the entry of a name lives.
func (s *Session) buffer(name string) kernels.Buffer {
	e := s.entries[s.index[name]]
	return kernels.Buffer{Memory: s.store, Offset: e.offset, Bytes: e.Type.Bytes()}
}

// Entries lists what the store holds, weights by path.
func (s *Session) Entries() []Entry { return s.entries }

// SlotPath gives the name of the entry that an optimizer's slot has for a weight.
func SlotPath(slot, weight string) string { return slotName(slot, weight) }

// SplitSlot takes apart what SlotPath made.
func SplitSlot(name string) (slot, weight string) {
	slot, weight, _ = strings.Cut(name, ":")
	return slot, weight
}

// Read copies a float32 entry to dst, which has its size.
func (s *Session) Read(name string, dst []float32) error {
	if err := s.checkEntry(name, len(dst)); err != nil {
		return err
	}
	read(s.buffer(name), dst)
	return s.device.Err()
}

// Write copies src to a float32 entry, which has its size.
func (s *Session) Write(name string, src []float32) error {
	if err := s.checkEntry(name, len(src)); err != nil {
		return err
	}
	s.prepared = nil
	write(s.buffer(name), src)
	return nil
}

func (s *Session) checkEntry(name string, n int) error {
	i, ok := s.index[name]
	if !ok {
		return fmt.Errorf("plan: %s has no value named %q", s.model.Layers.Name, name)
	}
	if e := s.entries[i]; e.Type.DType != ops.Float32 || e.Type.Shape.Size() != n {
		return fmt.Errorf("plan: %q is %v, not %d float32: %w", name, e.Type, n, ops.ErrShape)
	}
	return nil
}

// SetLearningRate sets the rate of the steps that follow.
func (s *Session) SetLearningRate(rate float64) { s.rate[0] = float32(rate) }

// LearningRate is the rate of the last step.
func (s *Session) LearningRate() float32 { return s.rate[0] }

// SetStep sets what random operations of the next step depend on.
func (s *Session) SetStep(seed uint64, step int64) { s.steps = [2]int64{int64(seed), step} }

// Iterations is the number of steps that the optimizer has applied.
func (s *Session) Iterations() int64 {
	read(s.at.iterations, s.count[:])
	return s.count[0]
}

// Depth is how many steps may be under way at once, and be asked for what they left: 1 where a step is over when Start returns.
func (s *Session) Depth() int { return s.device.Depth() }

// TakesBytes says whether Program.SetBytes can be used.
func (s *Session) TakesBytes() bool {
	_, ok := s.device.(kernels.Widener)
	return ok
}

// Resume has updates applied again after a step that was not, and those behind it that were started meanwhile, which were not either.
func (s *Session) Resume() { write(s.at.applied, []int32{1}) }

// SetIterations sets that number, after loading the optimizer's state.
func (s *Session) SetIterations(n int64) { write(s.at.iterations, []int64{n}) }

// ResetSums starts loss and metrics anew.
func (s *Session) ResetSums() {
	for i, b := range s.at.sums {
		zero := s.sum[:s.sums[i].kind().Shape.Size()]
		clear(zero)
		write(b, zero)
	}
}

// Means puts the mean loss and the values of the metrics over the samples since ResetSums into dst, in the order of SumNames.
// A mean over no samples is NaN.
func (s *Session) Means(dst []float64) {
	for i, b := range s.at.sums {
		sums := s.sum[:s.sums[i].kind().Shape.Size()]
		read(b, sums)
		dst = s.sums[i].results(dst, sums)
	}
}

// Sums gives what a metric has summed since ResetSums, by its name in logs, and the shape of that. It is false for a name that is no metric's.
func (s *Session) Sums(name string) (sums []float64, shape ops.Shape, ok bool) {
	for i := range s.sums {
		if x := &s.sums[i]; x.name == name {
			shape = append(shape, x.kind().Shape...)
			sums = make([]float64, shape.Size())
			read(s.at.sums[i], sums)
			return sums, shape, true
		}
	}
	return nil, nil, false
}

// SumNames lists the names in logs of what Means gives: "loss", and those of the metrics, of which some have several values.
func (s *Session) SumNames() []string {
	var names []string
	for i := range s.sums {
		names = append(names, s.sums[i].names()...)
	}
	return names
}

// Bytes is the size of the store.
func (s *Session) Bytes() int { return s.bytes }

// Close frees the memory; the device stays open.
func (s *Session) Close() error {
	if s.arena != nil {
		if err := s.arena.Free(); err != nil {
			return err
		}
		s.arena = nil
	}
	return s.store.Free()
}

// number is what buffers hold.
type number interface {
	~float32 | ~float64 | ~int32 | ~int64
}

// octets views numbers as bytes, without copying.
func octets[T number](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}

func write[T number](b kernels.Buffer, src []T) { b.Memory.Write(b.Offset, octets(src)[:b.Bytes]) }
func read[T number](b kernels.Buffer, dst []T)  { b.Memory.Read(b.Offset, octets(dst)[:b.Bytes]) }
