//go:build nvidia && cgo

package kernels

import (
	"errors"
	"unsafe"

	"github.com/meseta-go/meseta/gpu"
)

// depth is how many runs of pipes may be under way: while one computes, the inputs of the next are copied.
const depth = 2

// inlet is the way of inputs to the GPU, which all pipes take in turns: run n of all uses slot n modulo depth.
type inlet struct {
	stream *gpu.Stream
	slots  [depth]slot
	bytes  int // of each block
	made   int // how often the blocks were made; graphs have their addresses
	run    int // the last that was started
	filled bool
}

// slot is room for the inputs of one run: the host fills the pinned block, the inlet's stream copies that to the GPU's block, the graph reads that.
type slot struct {
	pinned     *gpu.Pinned
	block      *gpu.Memory
	sent, done *gpu.Event // the copy; the run
}

func (n *inlet) open(dev *gpu.Device) error {
	var err error
	if n.stream, err = dev.NewStream(); err != nil {
		return err
	}
	for i := range n.slots {
		s := &n.slots[i]
		if s.sent, err = dev.NewEvent(false); err != nil {
			return err
		}
		if s.done, err = dev.NewEvent(false); err != nil {
			return err
		}
	}
	return nil
}

// reserve makes the blocks large enough, or leaves them as they are and gives an error. Nothing is under way.
func (n *inlet) reserve(dev *gpu.Device, bytes int) error {
	if bytes <= n.bytes {
		return nil
	}
	larger := *n
	for i := range larger.slots {
		larger.slots[i].block, larger.slots[i].pinned = nil, nil
	}
	for i := range larger.slots {
		var err error
		s := &larger.slots[i]
		if s.block, err = dev.Alloc(bytes); err == nil {
			s.pinned, err = dev.Pin(bytes)
		}
		if err != nil {
			return errors.Join(err, larger.free())
		}
	}
	err := n.free()
	*n = larger
	n.bytes = bytes
	n.made++
	return err
}

func (n *inlet) free() error {
	var errs []error
	for _, s := range n.slots {
		if s.block != nil {
			errs = append(errs, s.block.Free())
		}
		if s.pinned != nil {
			errs = append(errs, s.pinned.Free())
		}
	}
	return errors.Join(errs...)
}

func (n *inlet) close() error {
	errs := []error{n.free()}
	for i := range n.slots {
		errs = append(errs, n.slots[i].sent.Close(), n.slots[i].done.Close())
	}
	return errors.Join(append(errs, n.stream.Close())...)
}

// cudaHead is Head of feed/feed.cu.
type cudaHead struct {
	divisor       float32
	each, h, w, c int32
	moves         int64
}

// cudaFeed is Feed of feed/feed.cu.
type cudaFeed struct {
	block gpu.Pointer
	part  [6]struct {
		dst      gpu.Pointer
		at, size int64
	}
}

// cudaPipe is a program's steps as one graph for each slot, which begins by taking what is in the slot's block to its places and ends with copies to pinned
// memory. A block is a head, the inputs but the first, and that.
type cudaPipe struct {
	device  *CUDA
	feed    *gpu.Kernel[cudaFeed]
	steps   []func()
	in, out []Buffer
	at      []int // of each input in a block
	bytes   int   // of a block that the next run sends
	graphs  [depth]*gpu.Graph
	made    int // the inlet's, when they were captured
	results [depth]*gpu.Pinned
	from    []int // of each output in results
}

// Depth is 2.
func (c *CUDA) Depth() int { return depth }

// Widens says that Pipes take bytes.
func (c *CUDA) Widens() {}

// Pipe makes room for what goes in and comes out. The graphs are captured when they are first wanted.
func (c *CUDA) Pipe(in, out []Buffer, steps []func()) (Pipe, error) {
	p := &cudaPipe{device: c, steps: steps, in: in, out: out, at: make([]int, len(in))}
	var err error
	if p.feed, err = find[cudaFeed](c, "feed/feed", "feed"); err != nil {
		return nil, err
	}
	p.bytes = Alignment
	for i := range in {
		i = (i + 1) % len(in) // the first last
		p.at[i] = p.bytes
		p.bytes += aligned(in[i].Bytes)
	}
	results := 0
	for _, b := range out {
		p.from = append(p.from, results)
		results += aligned(b.Bytes)
	}
	if err := errors.Join(c.inlet.stream.Synchronize(), c.stream.Synchronize()); err != nil {
		return nil, err
	}
	if err := c.inlet.reserve(c.dev, p.bytes); err != nil {
		return nil, err
	}
	for i := range p.results {
		if p.results[i], err = c.dev.Pin(results); err != nil {
			return nil, err
		}
	}
	c.pipes = append(c.pipes, p)
	return p, nil
}

// In is a part of the pinned block, once what was there before has been sent.
func (p *cudaPipe) In(i int) []byte {
	if i == 0 {
		return p.first(4, Wide{})
	}
	return p.block()[p.at[i] : p.at[i]+p.in[i].Bytes]
}

// InBytes is the place of the first input likewise, of which less is sent then.
func (p *cudaPipe) InBytes(w Wide) []byte { return p.first(1, w) }

// first is the place of the first input, whose numbers take so many bytes.
func (p *cudaPipe) first(each int, w Wide) []byte {
	block := p.block()
	*(*cudaHead)(unsafe.Pointer(&block[0])) = cudaHead{w.Divisor, int32(w.Each), int32(w.H), int32(w.W), int32(w.C), int64(p.at[w.Moves])}
	n := p.in[0].Bytes / 4 * each
	p.bytes = p.at[0] + n
	return block[p.at[0]:p.bytes]
}

// block is the pinned block of the next run.
func (p *cudaPipe) block() []byte {
	n := &p.device.inlet
	s := &n.slots[(n.run+1)%depth]
	if !n.filled {
		p.device.note(s.sent.Synchronize())
		n.filled = true
	}
	return s.pinned.Bytes()
}

// Start has the inputs sent, when the run that used the block before is over, and the graph launched behind them.
func (p *cudaPipe) Start() (run int, err error) {
	c, n := p.device, &p.device.inlet
	if err := c.Err(); err != nil {
		return 0, err
	}
	run = n.run + 1
	s := &n.slots[run%depth]
	if err := p.capture(); err != nil {
		return 0, err
	}
	if err := n.stream.Await(s.done); err != nil {
		return 0, err
	}
	if err := n.stream.Send(s.block, 0, s.pinned, 0, p.bytes); err != nil {
		return 0, err
	}
	if err := n.stream.Record(s.sent); err != nil {
		return 0, err
	}
	if err := c.stream.Await(s.sent); err != nil {
		return 0, err
	}
	if err := p.graphs[run%depth].Launch(c.stream); err != nil {
		return 0, err
	}
	n.run, n.filled = run, false
	return run, c.stream.Record(s.done)
}

// capture makes the graphs, unless they are there.
func (p *cudaPipe) capture() error {
	c, n := p.device, &p.device.inlet
	if p.made == n.made {
		return nil
	}
	if err := p.closeGraphs(); err != nil {
		return err
	}
	for i := range p.graphs {
		f, largest := cudaFeed{block: n.slots[i].block.Pointer(0)}, 0
		for k, b := range p.in {
			part := &f.part[k]
			part.dst, part.at, part.size = address(b), int64(p.at[k]), int64(b.Bytes/4)
			largest = max(largest, b.Bytes/16)
		}
		feed := start(p.feed, max(1, spread(largest)), len(p.in), f)
		steps := append([]func(){func() { c.note(feed(c.stream)) }}, p.steps...)
		for k, b := range p.out {
			steps = append(steps, func() {
				c.note(c.stream.Receive(p.results[i], p.from[k], b.Memory.(*cudaMemory).memory, b.Offset, b.Bytes))
			})
		}
		var err error
		if p.graphs[i], err = c.capture(steps); err != nil {
			return err
		}
	}
	p.made = n.made
	return nil
}

// Wait waits for the run, or for one behind it that uses the same slot.
func (p *cudaPipe) Wait(run int) error {
	if err := p.device.inlet.slots[run%depth].done.Synchronize(); err != nil {
		return err
	}
	return p.device.Err()
}

// Out is a part of what the graph copied last.
func (p *cudaPipe) Out(run, i int) []byte {
	return p.results[run%depth].Bytes()[p.from[i] : p.from[i]+p.out[i].Bytes]
}

func (p *cudaPipe) closeGraphs() error {
	var errs []error
	for i, g := range p.graphs {
		if g != nil {
			errs = append(errs, g.Close())
		}
		p.graphs[i] = nil
	}
	return errors.Join(errs...)
}

func (p *cudaPipe) close() error {
	errs := []error{p.closeGraphs()}
	for _, r := range p.results {
		errs = append(errs, r.Free())
	}
	return errors.Join(errs...)
}
