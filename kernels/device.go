package kernels

import (
	"errors"
	"time"

	"github.com/meseta-go/meseta/ops"
)

// ErrUnsupported is wrapped by errors of Choose for an operation that the device has no kernel for.
var ErrUnsupported = errors.New("no kernel")

// Device is what a program is compiled for and runs on. CPU is one.
//
// Another kind of device implements the same methods, with one kernel for each operator of package ops: the planner and
// everything above it stay as they are.
type Device interface {
	// String says what it is: "cpu avx512".
	String() string
	// Threads is how many threads of the host compute.
	Threads() int
	// Choose picks the kernel for an operation on values of these types; it depends on nothing else but the device. Its error wraps
	// ErrUnsupported where there is none, or, for a convolution that is to normalise what it loads (ops.Load), where a batch norm that is applied
	// before is faster: the planner asks, and leaves that as it is.
	Choose(o ops.Operator, in, out []ops.Type) (Kernel, error)
	// Alloc gives zeroed memory on the device.
	Alloc(bytes int) (Memory, error)
	// Sequence makes one function of the steps of a program. It runs them in order and returns when their results can be read.
	Sequence(steps []func()) func() error
	// Pipe makes a Pipe of the steps of a program, the buffers that the host fills for each run of them, and those that it looks at afterwards. WidePipes may have
	// an input without Memory, see Wide.
	Pipe(in, out []Buffer, steps []func()) (Pipe, error)
	// Depth is how many runs of Pipes may be under way at once; 1 if one is over when Start returns.
	Depth() int
	// Err is what went wrong with copies between host and device, which Memory does not return: the first failure, after which what was read
	// since cannot be trusted. Functions of Sequence return it too.
	Err() error
	// Limits measures the most that the device can do: float32 operations a second, a multiply-add being two, and bytes a second to and from its
	// memory. It takes a fraction of a second and much of the machine.
	Limits() (operations, bytes float64)
	Close() error
}

// Rated is a Device that launches its work and waits for it, as GPUs do, and whose maker says what it can do.
type Rated interface {
	Device
	// Rating is the most by its clocks, in the units of Limits.
	Rating() (operations, bytes float64)
	// MemInfo gives the bytes of its memory that no program uses, and those that it has.
	MemInfo() (free, total int64, err error)
}

// Timer is a Device that knows by itself how long it takes for something.
type Timer interface {
	Device
	// Times runs steps in order, once, and gives what each took, without what asking for it costs the host.
	Times(steps []func()) ([]time.Duration, error)
}

// Pipe runs the steps of a program again and again, each time on what the host has put in. While a run is under way the host may fill in the next
// one and start it. Buffers that a Pipe fills are none that Memory.Write writes between two runs. Memory.Read and Write wait for all runs.
type Pipe interface {
	// In is where the host writes what is in.i in the next run, all of it, before it does so for another Pipe.
	In(i int) []byte
	// Start has the steps run with these inputs, behind all that the device was asked for before. It gives the run's number.
	Start() (run int, err error)
	// Wait waits until a run is over, and says what went wrong.
	Wait(run int) error
	// Out is what out.i was at the end of a run that was waited for. Of the last Depth runs of all Pipes each has its own.
	Out(run, i int) []byte
}

// Widener is a Device that makes float32 of bytes by itself: its Pipes are WidePipes.
type Widener interface {
	Device
	Widens()
}

// WidePipe is a Pipe whose first input, float32, may come as bytes.
type WidePipe interface {
	Pipe
	// InBytes is where the host writes, in place of In(0), a byte for each number.
	InBytes(w Wide) []byte
}

// Wide says what the numbers are that bytes stand for.
type Wide struct {
	Divisor float32 // what each is divided by
	// To images [N,H,W,C] feed.Moves [N,Each] may be done, which are an input that goes nowhere else. Each is at most feed.Most, 0 for none.
	Each    int
	H, W, C int
	Moves   int // the input
}

// Kernel is an operation on known types: everything is decided but the addresses.
type Kernel interface {
	// Variant names what was chosen: "direct", "winograd 4×4".
	Variant() string
	// WorkspaceBytes is how much memory it wants while it runs.
	WorkspaceBytes() int
	// Bind gives the function that runs it on these buffers, without allocating.
	Bind(b Buffers) func()
}

// Preparer is a Kernel that brings an input into a form of its own before all else, as convolutions do with weights. Where that input is the same in
// many steps, a program has it done once.
type Preparer interface {
	Kernel
	// Prepare gives the place of the input, the type of the form, the kernel that makes it of the input, and the one that takes it in the
	// input's place.
	Prepare() (input int, form ops.Type, first, then Kernel)
}

// Buffers are a kernel's operands. Inputs that the operator updates are written as well; an output may share the place of an
// input if the operator says so (ops.InPlacer).
type Buffers struct {
	In, Out   []Buffer
	Workspace Buffer
}

// Buffer is a part of a device's memory. It starts at a multiple of Alignment, and Slack bytes behind it may be read.
type Buffer struct {
	Memory Memory
	Offset int // bytes
	Bytes  int
}

// Alignment and Slack are what kernels count on; see Buffer. Both are in bytes.
const (
	Alignment = 64
	Slack     = 64
)

// Memory is a block of a device's memory.
type Memory interface {
	// Write copies from the host, Read to the host; offset is in bytes. They wait for steps that run, and several goroutines may
	// write to different places at once.
	Write(offset int, src []byte)
	Read(offset int, dst []byte)
	Free() error
}
