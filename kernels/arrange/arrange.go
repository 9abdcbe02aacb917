// Package arrange moves numbers without changing them: zeros around images and off again, channels side by side and apart, dimensions in
// another order, repeated numbers, labels as rows.
//
// Reshaping moves nothing and is no kernel; packing for products lives with the products.
//
// Files: arrange.go and order.go the kernels, which copy whole stretches of rows where there are some; ref.go the definition, element by element. There is one
// variant for all instruction sets: Go's copy is as fast as the memory.
package arrange

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

// Frame is an image and the rows and columns around it.
type Frame struct {
	N, H, W, C    int    // of the image without the frame
	Before, After [2]int // rows and columns
}

func (f Frame) outer() (h, w int) {
	return f.Before[0] + f.H + f.After[0], f.Before[1] + f.W + f.After[1]
}

func (f Frame) check() error {
	if f.N < 1 || f.H < 1 || f.W < 1 || f.C < 1 || min(f.Before[0], f.Before[1], f.After[0], f.After[1]) < 0 {
		return fmt.Errorf("arrange: an image [%d,%d,%d,%d] in a frame of %v before and %v after; sizes are at least 1, frames at least 0: %w",
			f.N, f.H, f.W, f.C, f.Before, f.After, ops.ErrShape)
	}
	return nil
}

// Pad computes dst = src in a frame of zeros; see Run. A value is used by one goroutine at a time.
type Pad struct {
	dev      *cpu.Device
	frame    Frame
	dst, src []float32
	task     func(i, worker int)
}

// NewPad makes a Pad. Its error wraps ops.ErrShape.
func NewPad(dev *cpu.Device, f Frame) (*Pad, error) {
	x := &Pad{dev: dev, frame: f}
	x.task = x.image
	return x, f.check()
}

// Run writes dst [N,Before+H+After,Before+W+After,C] from src [N,H,W,C]. They do not overlap.
func (x *Pad) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.frame.N, x.task)
}

func (x *Pad) image(n, _ int) {
	f := x.frame
	h, w := f.outer()
	dst, src := x.dst[n*h*w*f.C:][:h*w*f.C], x.src[n*f.H*f.W*f.C:][:f.H*f.W*f.C]
	at := (f.Before[0]*w + f.Before[1]) * f.C
	clear(dst[:at])
	for range f.H {
		n := copy(dst[at:], src[:f.W*f.C])
		src = src[n:]
		end := min(at+w*f.C, len(dst)) // what lies between this row and the next; behind the last, all that is left
		clear(dst[at+n : end])
		at += w * f.C
	}
	clear(dst[min(at, len(dst)):])
}

// Crop computes dst = src without its frame; see Run. A value is used by one goroutine at a time.
type Crop struct {
	dev      *cpu.Device
	frame    Frame
	dst, src []float32
	task     func(i, worker int)
}

// NewCrop makes a Crop. Its error wraps ops.ErrShape.
func NewCrop(dev *cpu.Device, f Frame) (*Crop, error) {
	x := &Crop{dev: dev, frame: f}
	x.task = x.image
	return x, f.check()
}

// Run writes dst [N,H,W,C] from src [N,Before+H+After,Before+W+After,C]. They do not overlap.
func (x *Crop) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel(x.frame.N, x.task)
}

func (x *Crop) image(n, _ int) {
	f := x.frame
	h, w := f.outer()
	row := f.W * f.C
	for y := range f.H {
		at := ((n*h+f.Before[0]+y)*w + f.Before[1]) * f.C
		copy(x.dst[(n*f.H+y)*row:][:row], x.src[at:at+row])
	}
}

// chunk is how many rows a task of Concat and Channels moves.
const chunk = 1024

// Concat puts channels side by side; see Run. A value is used by one goroutine at a time.
type Concat struct {
	dev      *cpu.Device
	rows     int
	channels []int
	total    int
	dst      []float32
	src      [][]float32
	task     func(i, worker int)
}

// NewConcat makes a Concat of arrays with rows rows and so many channels each. Its error wraps ops.ErrShape.
func NewConcat(dev *cpu.Device, rows int, channels []int) (*Concat, error) {
	x := &Concat{dev: dev, rows: rows, channels: channels}
	for _, c := range channels {
		if c < 1 {
			return nil, fmt.Errorf("arrange: %d channels to put beside others: %w", c, ops.ErrShape)
		}
		x.total += c
	}
	if rows < 1 || len(channels) == 0 {
		return nil, fmt.Errorf("arrange: %d rows of %d arrays to put side by side: %w", rows, len(channels), ops.ErrShape)
	}
	x.task = x.some
	return x, nil
}

// Run writes dst [rows,ΣC] from each src [rows,C]. dst overlaps none of them.
func (x *Concat) Run(dst []float32, src [][]float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel((x.rows+chunk-1)/chunk, x.task)
}

func (x *Concat) some(i, _ int) {
	first := 0
	for k, c := range x.channels {
		for r := i * chunk; r < min(x.rows, (i+1)*chunk); r++ {
			copy(x.dst[r*x.total+first:][:c], x.src[k][r*c:])
		}
		first += c
	}
}

// Channels takes some channels out; see Run. A value is used by one goroutine at a time.
type Channels struct {
	dev                       *cpu.Device
	rows, total, first, count int
	dst, src                  []float32
	task                      func(i, worker int)
}

// NewChannels makes a Channels that takes count of total channels, from first on. Its error wraps ops.ErrShape.
func NewChannels(dev *cpu.Device, rows, total, first, count int) (*Channels, error) {
	if rows < 1 || first < 0 || count < 1 || first+count > total {
		return nil, fmt.Errorf("arrange: channels %d to %d of %d in %d rows: %w", first, first+count-1, total, rows, ops.ErrShape)
	}
	x := &Channels{dev: dev, rows: rows, total: total, first: first, count: count}
	x.task = x.some
	return x, nil
}

// Run writes dst [rows,count] from src [rows,total]. They do not overlap.
func (x *Channels) Run(dst, src []float32) {
	x.dst, x.src = dst, src
	x.dev.Parallel((x.rows+chunk-1)/chunk, x.task)
}

func (x *Channels) some(i, _ int) {
	for r := i * chunk; r < min(x.rows, (i+1)*chunk); r++ {
		copy(x.dst[r*x.count:][:x.count], x.src[r*x.total+x.first:])
	}
}
