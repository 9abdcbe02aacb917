//go:build nvidia && cgo

package kernels

import (
	"fmt"
	"slices"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels/vec"
	"github.com/meseta-go/meseta/ops"
)

// cudaFinite is Finite of update/update.cu.
type cudaFinite struct {
	flag, losses, grad gpu.Pointer
	n, blocks          int32
	arrays             cudaArrays
}

// cudaUpdate is Update of update/update.cu.
type cudaUpdate struct {
	param, grad                                       gpu.Pointer
	slot                                              [3]gpu.Pointer
	rate, apply, iterations, prepared                 gpu.Pointer
	n                                                 int64
	rule, counted, every, _                           int32
	rateFactor, decay, a, b, keepA, keepB, epsilon, _ float32
}

// chooseUpdate picks the kernels of the update phase.
func (c *CUDA) chooseUpdate(o ops.Operator, in, _ []ops.Type) (Kernel, error) {
	switch o := o.(type) {
	case ops.Finite:
		return c.chooseFinite(in)
	case ops.Optimize:
		return c.chooseOptimize(o, in)
	}
	return nil, nil
}

// chooseFinite has one launch for losses and up to mostArrays gradients, which also clears what lies between these (see between), and more for more.
func (c *CUDA) chooseFinite(in []ops.Type) (Kernel, error) {
	k, err := find[cudaFinite](c, "update/update", "finite_check")
	if err != nil {
		return nil, err
	}
	list, err := newPieceList("finite", in[2:])
	if err != nil {
		return nil, err
	}
	if list.arrays == 0 { // nothing is trained
		list.launches, list.blocks = []cudaArrays{{}}, []int{0}
	}
	losses := in[1].Shape.Size()
	return &cudaKernel{c, "finite_check", 0, func(b Buffers) (launches []launch) {
		f := cudaFinite{flag: address(b.In[0]), losses: address(b.In[1]), grad: sweepAddress(b.In[2:]), n: int32(losses), blocks: int32((losses + pieceSize - 1) / pieceSize)}
		for i, a := range list.launches {
			f.arrays = a
			launches = append(launches, start(k, int(f.blocks)+list.blocks[i], 1, f))
			f.blocks = 0
		}
		return launches
	}}, nil
}

// sweepAddress is where buffers begin that lie side by side; see sweep.
func sweepAddress(b []Buffer) gpu.Pointer {
	for i := 1; i < len(b); i++ {
		if b[i].Offset != b[i-1].Offset+aligned(b[i-1].Bytes) || b[i].Memory != b[0].Memory {
			panic(scattered)
		}
	}
	return addressAt(b, 0)
}

// cudaRules are the names of rules, in the order of the enum in update/update.cu. Kernels are named after them, but for the last two, which have several.
var cudaRules = [...]string{"sgd", "momentum", "nesterov", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "lion", "nadam", "lamb", "muon"}

// newUpdate is what all rules have.
func newUpdate(o ops.Optimize, in []ops.Type) cudaUpdate {
	u := cudaUpdate{n: int64(extent(in[3 : 3+o.Parameters])), every: int32(max(o.Every, 1)), rateFactor: o.RateFactor}
	if o.RateFactor == 0 {
		u.rateFactor = 1
	}
	if o.Counted {
		u.counted = 1
	}
	return u
}

// prepared is the bytes of what the first launch of a step makes for all that follow.
const prepared = 16

// on takes the operands that a step starts with; prepared lies at the start of the workspace.
func (u cudaUpdate) on(b Buffers) cudaUpdate {
	u.rate, u.iterations, u.apply, u.prepared = address(b.In[0]), address(b.In[1]), address(b.In[2]), address(b.Workspace)
	return u
}

func (c *CUDA) chooseOptimize(o ops.Optimize, in []ops.Type) (Kernel, error) {
	u := newUpdate(o, in)
	place := [3]int{0, 1, 2} // in u.slot of each of the rule's slots
	name, begin := "", "update_start"
	switch r := o.Rule.(type) {
	case ops.Lamb:
		return c.lamb(o, r, in)
	case ops.Muon:
		return c.muon(o, r, in)
	case ops.SGD:
		name, u.a, u.decay = "sgd", r.Momentum, r.WeightDecay
		if r.Momentum != 0 {
			name = "momentum"
		}
		if r.Momentum != 0 && r.Nesterov {
			name = "nesterov"
		}
	case ops.Adam:
		name, u.a, u.b, u.epsilon, u.decay = "adam", r.Beta1, r.Beta2, r.Epsilon, r.WeightDecay
		u.keepA, u.keepB = vec.Complement(r.Beta1), vec.Complement(r.Beta2)
	case ops.RMSprop:
		name, u.a, u.b, u.keepA, u.epsilon, u.decay = "rmsprop", r.Rho, r.Momentum, vec.Complement(r.Rho), r.Epsilon, r.WeightDecay
		if r.Momentum == 0 {
			place[1] = 2
		}
	case ops.Adagrad:
		name, u.epsilon, u.decay = "adagrad", r.Epsilon, r.WeightDecay
	case ops.Adadelta:
		name, u.a, u.keepA, u.epsilon, u.decay = "adadelta", r.Rho, vec.Complement(r.Rho), r.Epsilon, r.WeightDecay
	case ops.Adamax:
		name, u.a, u.b, u.keepA, u.epsilon, u.decay = "adamax", r.Beta1, r.Beta2, vec.Complement(r.Beta1), r.Epsilon, r.WeightDecay
	case ops.Lion:
		name, u.a, u.b, u.keepA, u.keepB, u.decay = "lion", r.Beta1, r.Beta2, 1-r.Beta1, 1-r.Beta2, r.WeightDecay
	case ops.Nadam:
		name, begin = "nadam", "nadam_start"
		u.a, u.b, u.keepA, u.keepB, u.epsilon, u.decay = r.Beta1, r.Beta2, 1-r.Beta1, 1-r.Beta2, r.Epsilon, r.WeightDecay
	default:
		return nil, fmt.Errorf("kernels: optimizer %v on a GPU: %w; --device cpu has one", o.Rule, ErrUnsupported)
	}
	u.rule = int32(slices.Index(cudaRules[:], name))
	first, err := find[cudaUpdate](c, "update/update", begin)
	if err != nil {
		return nil, err
	}
	sweep, err := find[cudaUpdate](c, "update/update", "update_"+name)
	if err != nil {
		return nil, err
	}
	return &cudaKernel{c, "update_" + name, prepared, func(b Buffers) []launch {
		part := func(i int) gpu.Pointer { return sweepAddress(b.In[3+i*o.Parameters : 3+(i+1)*o.Parameters]) }
		u := u.on(b)
		u.param, u.grad = part(0), part(1)
		for i := range o.Rule.Slots() {
			u.slot[place[i]] = part(2 + i)
		}
		return []launch{start(first, 1, 1, u), start(sweep, spread(int(u.n)), 1, u)}
	}}, nil
}
