package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"

	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/meseta-go/meseta/random"
)

// LoaderOptions say how a Loader makes batches.
type LoaderOptions struct {
	BatchSize int
	Shuffle   bool   // a new order every epoch, from Seed and the epoch's number
	Seed      uint64 // used where Shuffle is true, and by Augment
	Workers   int    // goroutines that read and augment; 0 means 1, enough to copy from memory, or to decode or augment one a processor, at most 8
	Prefetch  int    // batches read ahead of the one in use; 0 means 2, or as many as workers where these are more
	// Augment changes samples, which are images [H,W,C], at random: each as Seed, the epoch and its number say.
	// Where the list mixes targets (Augment.Mixes) and the data set has labels only, batches get targets: of each sample Classes numbers, before
	// mixing 1 for its label and else 0. Classes is then at least the data set's; 0 means as many.
	Augment augment.List
	Classes int
	// Bytes has batches bring the bytes of samples that are stored as bytes, in place of the numbers that they stand for (see Loader.Divisor), and the moves that
	// Augment comes to for each. Where it does not come to moves, batches have numbers (see Loader.OnHost).
	Bytes bool
}

// Batch holds some samples of a data set.
type Batch struct {
	X       []float32   // [N, sample shape...]; empty for a loader that gives Bytes
	Bytes   []uint8     // [N, sample shape...]
	Moves   []feed.Move // [N, …]: what is to be done to images of Bytes; empty for nothing
	Labels  []int32     // [N]; empty for a data set without labels
	Targets []float32   // [N, target shape...]; empty for a data set without targets
	Weights []float32   // [N]; empty for a data set without weights
	N       int         // the batch size, or less in the last batch of an epoch
	Index   []int32     // [N]: which sample of the data set each one is
	Number  int         // the batch's place in its epoch, from 0
}

// Loader makes batches of a data set. Epochs of one Loader may run at the same time.
type Loader struct {
	ds       Dataset
	options  LoaderOptions
	size     int   // numbers in a sample
	target   []int // shape of a target, nil for none
	weighted bool
	oneHot   bool           // targets are made of labels
	format   augment.Format // of samples, where they are augmented
	divisor  float32        // of bytes; 0 where batches have numbers
	each     int            // moves of an image; 0 where what is augmented is numbers
	onHost   error          // why what is stored as bytes and wanted so comes as numbers

	mu         sync.Mutex
	free       [][]slot // buffers of closed epochs, for the next ones
	augmenters []*Augmenter
}

// slot is a batch's place in the ring: batch b of an epoch is made in slot b modulo the number of slots.
type slot struct {
	batch   Batch
	x       []float32 // whole buffers, of which batch shows what is filled
	bytes   []uint8
	moves   []feed.Move
	labels  []int32
	targets []float32
	weights []float32
	index   []int32
	err     error
	ready   chan struct{} // one element: the slot is filled
}

// NewLoader checks the options. It starts nothing and allocates no buffers.
func NewLoader(ds Dataset, options LoaderOptions) (*Loader, error) {
	if ds == nil || ds.Len() < 1 {
		return nil, fmt.Errorf("data: the data set is empty, a loader needs at least one sample")
	}
	if ds.Len() > math.MaxInt32 {
		return nil, fmt.Errorf("data: the data set has %d samples, a loader takes at most %d; use Slice", ds.Len(), math.MaxInt32)
	}
	if options.BatchSize < 1 {
		return nil, fmt.Errorf("data: batch size is %d, it must be at least 1", options.BatchSize)
	}
	if options.Workers < 0 || options.Prefetch < 0 {
		return nil, fmt.Errorf("data: %d workers and %d batches ahead, neither may be negative", options.Workers, options.Prefetch)
	}
	if options.Workers == 0 {
		options.Workers = 1
		if storesImages(ds) || len(options.Augment) > 0 {
			options.Workers = min(runtime.GOMAXPROCS(0), 8) // each needs a batch to fill
		}
	}
	if options.Prefetch == 0 {
		options.Prefetch = max(2, options.Workers)
	}
	size := SampleSize(ds)
	if size < 1 {
		return nil, fmt.Errorf("data: samples are of shape %v, every side must be at least 1", ds.Shape())
	}
	l := &Loader{ds: ds, options: options, size: size, target: TargetShape(ds), weighted: HasWeights(ds)}
	if err := l.prepareAugment(); err != nil {
		return nil, err
	}
	if options.Bytes && Divisor(ds) != 0 {
		if options.Augment.Crop() != nil && storesImages(ds) {
			l.onHost = errors.New("data: parts of images as they are stored are resized on the host")
		} else {
			l.each, l.onHost = options.Augment.Moves()
		}
		if l.onHost == nil {
			l.divisor = Divisor(ds)
		}
	}
	return l, nil
}

// OnHost says why images are augmented here and batches bring numbers, though bytes are stored and were asked for. It is nil where that is not so.
func (l *Loader) OnHost() error { return l.onHost }

// Divisor is what the Bytes of batches are divided by to give what X would be; 0 where batches have X.
func (l *Loader) Divisor() float32 { return l.divisor }

// TargetShape is the shape of one sample's target, nil where batches have none.
func (l *Loader) TargetShape() []int { return l.target }

// Weighted says whether batches have weights.
func (l *Loader) Weighted() bool { return l.weighted }

// Batches is the number of batches in an epoch; the last one may be smaller than the batch size.
func (l *Loader) Batches() int {
	return (l.ds.Len() + l.options.BatchSize - 1) / l.options.BatchSize
}

// Epoch starts reading the batches of an epoch, from batch skip on: a run that resumes within an epoch skips those that
// it has seen. Batches come in order, and the same for any number of workers.
//
// The caller closes the iterator. It returns an error for a negative epoch, or a skip that is not 0 to Batches().
func (l *Loader) Epoch(ctx context.Context, epoch, skip int) (*Iterator, error) {
	batches := l.Batches()
	if epoch < 0 {
		return nil, fmt.Errorf("data: epoch is %d, it must be at least 0", epoch)
	}
	if skip < 0 || skip > batches {
		return nil, fmt.Errorf("data: %d batches are to be skipped, an epoch has %d", skip, batches)
	}
	it := &Iterator{loader: l, epoch: epoch, next: skip, issued: skip, batches: batches, slots: l.takeSlots()}
	if l.options.Shuffle {
		it.order = random.Permutation(l.options.Seed, epoch, l.ds.Len())
	}
	it.ctx, it.cancel = context.WithCancel(ctx)
	it.done = it.ctx.Done()
	it.tickets = make(chan int, len(it.slots))
	for range it.slots {
		it.issue()
	}
	for range min(l.options.Workers, batches-skip) {
		it.workers.Add(1)
		go it.work()
	}
	return it, nil
}

// takeSlots gives a ring for one epoch: the batches ahead and the one in use.
func (l *Loader) takeSlots() []slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		slots := l.free[n-1]
		l.free = l.free[:n-1]
		return slots
	}
	n := min(l.options.BatchSize, l.ds.Len())
	slots := make([]slot, min(l.options.Prefetch+1, l.Batches()))
	for i := range slots {
		s := &slots[i]
		s.index = make([]int32, n)
		if l.divisor != 0 {
			s.bytes = make([]uint8, n*l.size)
			s.moves = make([]feed.Move, n*l.each)
		} else {
			s.x = make([]float32, n*l.size)
		}
		if l.ds.Classes() > 0 {
			s.labels = make([]int32, n)
		}
		if l.target != nil {
			s.targets = make([]float32, n*product(l.target))
		}
		if l.weighted {
			s.weights = make([]float32, n)
		}
		s.ready = make(chan struct{}, 1)
	}
	return slots
}

// Iterator gives the batches of one epoch. Next and Close are called by one goroutine.
//
// The ring of slots bounds memory: a worker takes the number of a batch from tickets and fills its slot, and Next issues
// a ticket for the slot that the caller has finished with. So the batches in flight never share a slot, and a step
// allocates nothing.
type Iterator struct {
	loader  *Loader
	epoch   int
	order   []int32 // nil: as they lie in the data set
	batches int
	next    int   // the batch that Next gives, or has given while held
	issued  int   // the next batch without a ticket
	held    bool  // the caller has batch next
	err     error // what Next says from now on

	slots   []slot
	tickets chan int
	ctx     context.Context
	cancel  context.CancelFunc
	done    <-chan struct{}
	workers sync.WaitGroup
	closed  bool
}

// issue gives out the ticket of the next batch that has none. It is called once for each slot when the epoch starts, and
// then by Next for each batch given back; the channel has room for as many as there are slots, so it never blocks.
func (it *Iterator) issue() {
	if it.issued < it.batches {
		it.tickets <- it.issued
		it.issued++
	}
}

// Next gives the next batch. It stays valid until the next call of Next or Close, which use its memory again.
//
// After the last batch it returns io.EOF, after a cancelled context the context's error. An error of the data set comes at the
// batch where it happened. After an error every further call returns the same.
func (it *Iterator) Next() (*Batch, error) {
	if it.err != nil {
		return nil, it.err
	}
	if it.held {
		it.held = false
		it.next++
		it.issue()
	}
	if it.err = it.ctx.Err(); it.err != nil {
		return nil, it.err
	}
	if it.next == it.batches {
		it.err = io.EOF
		return nil, it.err
	}
	s := &it.slots[it.next%len(it.slots)]
	select {
	case <-s.ready:
	case <-it.done:
		it.err = it.ctx.Err()
		return nil, it.err
	}
	if s.err != nil {
		it.err = fmt.Errorf("data: epoch %d, batch %d: %w", it.epoch+1, it.next+1, s.err)
		it.cancel()
		return nil, it.err
	}
	it.held = true
	return &s.batch, nil
}

// Close ends the epoch's goroutines and waits for them. It may be called more than once.
func (it *Iterator) Close() {
	if it.closed {
		return
	}
	it.closed = true
	if it.err == nil {
		it.err = fmt.Errorf("data: epoch %d is closed", it.epoch)
	}
	it.cancel()
	it.workers.Wait()
	for i := range it.slots {
		select {
		case <-it.slots[i].ready:
		default:
		}
	}
	it.loader.mu.Lock()
	it.loader.free = append(it.loader.free, it.slots)
	it.loader.mu.Unlock()
	it.slots = nil
}

// work fills slots until the epoch is closed or cancelled.
func (it *Iterator) work() {
	defer it.workers.Done()
	augmenter := it.loader.takeAugmenter()
	defer it.loader.giveAugmenter(augmenter)
	for {
		select {
		case <-it.done:
			return
		case number := <-it.tickets:
			s := &it.slots[number%len(it.slots)]
			s.err = it.fill(s, number, augmenter)
			s.ready <- struct{}{}
		}
	}
}

// fill makes batch number in s, augmented where augmenter is not nil.
func (it *Iterator) fill(s *slot, number int, augmenter *Augmenter) error {
	l := it.loader
	from := number * l.options.BatchSize
	n := min(l.options.BatchSize, l.ds.Len()-from)
	b := &s.batch
	*b = Batch{N: n, Index: s.index[:n], Number: number}
	if l.divisor != 0 {
		b.Bytes = s.bytes[:n*l.size]
		b.Moves = s.moves[:n*l.each]
	} else {
		b.X = s.x[:n*l.size]
	}
	if s.labels != nil {
		b.Labels = s.labels[:n]
	}
	if it.order != nil {
		copy(b.Index, it.order[from:])
	} else {
		for i := range b.Index {
			b.Index[i] = int32(from + i)
		}
	}
	var err error
	switch {
	case b.Bytes != nil:
		err = readBytes(l.ds, b.Bytes, b.Labels, b.Index)
	case augmenter != nil:
		err = augmenter.read(b.X, b.Labels, b.Index, it.epoch)
	default:
		err = l.ds.Read(b.X, b.Labels, b.Index)
	}
	if err != nil {
		return err
	}
	if s.targets != nil {
		b.Targets = s.targets[:n*product(l.target)]
		if l.oneHot {
			err = oneHot(b.Targets, b.Labels)
		} else {
			err = readTargets(l.ds, b.Targets, b.Index)
		}
		if err != nil {
			return err
		}
	}
	if s.weights != nil {
		b.Weights = s.weights[:n]
		if err := readWeights(l.ds, b.Weights, b.Index); err != nil {
			return err
		}
	}
	switch {
	case augmenter == nil:
	case b.Bytes != nil:
		augmenter.draw(b.Moves, b.Targets, b.Index, it.epoch)
	default:
		augmenter.apply(b.X, b.Targets, b.Index, it.epoch)
	}
	return nil
}
