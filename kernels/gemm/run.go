package gemm

import (
	"unsafe"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/kernels/tile"
)

// runner is what a product needs while it runs. The workspace holds, one after another: shared panels of A, shared slivers of B, partial
// sums, and for each worker the panels of a block of A and one sliver of B.
type runner struct {
	dev       *cpu.Device
	g         *GEMM
	workspace int // float32

	sharedB, partial, private, privateB, worker int // places in the workspace; the last is a worker's size
	flags                                       int // of the last run over k
	workers                                     []worker
	pack, compute, add                          func(i, worker int)

	dst, a, b, bias, ws []float32 // of the product under way
	run                 int       // over k, where runs are one after another
}

// worker is the arguments of one worker's kernels, with 64 bytes between those of two.
type worker struct {
	args tile.Args
	tap  tile.Tap
	_    [64]byte
}

// one is the A of the product that adds up partial sums: its strides are zero.
var one = [1]float32{1}

func (r *runner) init(dev *cpu.Device, g *GEMM) {
	p := &g.plan
	*r = runner{dev: dev, g: g, workers: make([]worker, dev.Threads())}
	end := 0
	if p.a == shared {
		end += p.panels * p.panelSize
	}
	r.sharedB = end
	if p.b == shared {
		end += p.slivers * p.sliverSize
	}
	r.partial = end
	if p.groups > 1 {
		end += p.groups * g.M * p.ldPartial
	}
	r.private = end
	if p.a == inTask {
		r.privateB = ceil(p.panels, p.rowBlocks) * p.panelSize
	}
	r.worker = r.privateB
	if p.b == inTask {
		r.worker += p.sliverSize
	}
	r.workspace = end + r.worker*dev.Threads()
	r.flags = tile.ActivationFlags(g.Activation)
	if g.Bias {
		r.flags |= tile.Bias
	}
	r.pack, r.compute, r.add = r.packTask, r.computeTask, r.addTask
}

func (r *runner) product(dst, a, b, bias, ws []float32) {
	r.dst, r.a, r.b, r.bias, r.ws = dst, a, b, bias, ws
	p := &r.g.plan
	tasks := p.rowBlocks * p.columnBlocks * p.groups
	if p.a != shared && p.b != shared {
		r.dev.Parallel(tasks, r.compute)
		if p.groups > 1 {
			r.dev.Parallel(p.addTasks(r.g.M), r.add)
		}
	} else {
		packs := 0
		if p.a == shared {
			packs += p.panels
		}
		if p.b == shared {
			packs += p.slivers
		}
		for r.run = range p.runs {
			r.dev.Parallel(packs, r.pack)
			r.dev.Parallel(tasks, r.compute)
		}
	}
	r.dst, r.a, r.b, r.bias, r.ws = nil, nil, nil, nil, nil
}

func (r *runner) at(place int) *float32 { return &r.ws[place] }

// packPanel packs rows [m0,m1) of op(a), k in [k0,k1), to dst[k][row].
func (r *runner) packPanel(dst *float32, m0, m1, k0, k1 int) {
	g, set, rows := r.g, r.g.plan.set, m1-m0
	if g.TransA {
		set.Copy(&r.a[k0*g.M+m0], 4*g.M, dst, 4*rows, ceil(rows, set.Lanes), k1-k0)
	} else {
		set.Transpose(&r.a[m0*g.K+k0], 4*g.K, dst, 4*rows, rows, k1-k0)
	}
}

// packSliver packs columns [n0,n1) of op(b), k in [k0,k1), to dst[k][column], whole vectors.
func (r *runner) packSliver(dst *float32, n0, n1, k0, k1 int) {
	g, set := r.g, r.g.plan.set
	vectors := ceil(n1-n0, set.Lanes)
	ld := 4 * vectors * set.Lanes
	if !g.TransB {
		set.Copy(&r.b[k0*g.N+n0], 4*g.N, dst, ld, vectors, k1-k0)
		return
	}
	for n := n0; n < n1; n += set.Lanes {
		d := (*float32)(unsafe.Add(unsafe.Pointer(dst), 4*(n-n0)))
		set.Transpose(&r.b[n*g.K+k0], 4*g.K, d, ld, min(set.Lanes, n1-n), k1-k0)
	}
}

// packTask packs a panel of A or a sliver of B for the current run.
func (r *runner) packTask(i, _ int) {
	g, p := r.g, &r.g.plan
	k0, k1 := part(g.K, p.runs, r.run)
	if p.a == shared {
		if i < p.panels {
			m0, m1 := part(g.M, p.panels, i)
			r.packPanel(r.at(i*p.panelSize), m0, m1, k0, k1)
			return
		}
		i -= p.panels
	}
	n0 := i * p.columns
	r.packSliver(r.at(r.sharedB+i*p.sliverSize), n0, min(n0+p.columns, g.N), k0, k1)
}

// computeTask computes a block of rows and columns: over the current run where something is shared, else over all runs of a group.
func (r *runner) computeTask(i, worker int) {
	g, p := r.g, &r.g.plan
	i, column := i/p.columnBlocks, i%p.columnBlocks
	group, row := i/p.rowBlocks, i%p.rowBlocks
	p0, p1 := part(p.panels, p.rowBlocks, row)
	s0, s1 := part(p.slivers, p.columnBlocks, column)
	if p.a == shared || p.b == shared {
		r.block(worker, p0, p1, s0, s1, r.run, r.dst, g.N, r.run > 0, r.run == p.runs-1)
		return
	}
	c, ld := r.dst, g.N
	if p.groups > 1 {
		c, ld = r.ws[r.partial+group*g.M*p.ldPartial:], p.ldPartial
	}
	from, to := part(p.runs, p.groups, group)
	for run := from; run < to; run++ {
		r.block(worker, p0, p1, s0, s1, run, c, ld, run > from, p.groups == 1 && run == to-1)
	}
}

// block computes the tiles of panels [p0,p1) and slivers [s0,s1) for one run over k into c.
func (r *runner) block(worker, p0, p1, s0, s1, run int, c []float32, ldC int, accumulate, last bool) {
	g, p := r.g, &r.g.plan
	w := &r.workers[worker]
	args := &w.args
	private := r.private + worker*r.worker
	k0, k1 := part(g.K, p.runs, run)
	*args = tile.Args{Taps: &w.tap, NTaps: 1, K: k1 - k0, LdA: 4 * g.K, KsA: 4 * g.M, KsB: 4 * g.N, LdC: 4 * ldC}
	if accumulate {
		args.Flags |= tile.Accumulate
	}
	if last {
		args.Flags |= r.flags
	}
	rowA := p.a == direct && !g.TransA
	for s := s0; s < s1; s++ {
		n0 := s * p.columns
		n1 := min(n0+p.columns, g.N)
		width := p.set.Width(n1 - n0)
		kernels := width.ColumnA
		if rowA {
			kernels = width.RowA
		}
		switch p.b {
		case direct:
			args.B = &r.b[k0*g.N+n0]
		case shared:
			args.B, args.KsB = r.at(r.sharedB+s*p.sliverSize), 4*width.Columns
		case inTask:
			args.B, args.KsB = r.at(private+r.privateB), 4*width.Columns
			r.packSliver(args.B, n0, n1, k0, k1)
		}
		if last && g.Bias {
			args.Bias = &r.bias[n0]
		}
		args.Cols = n1 - n0
		for i := p0; i < p1; i++ {
			m0, m1 := part(g.M, p.panels, i)
			switch p.a {
			case direct:
				if rowA {
					args.A = &r.a[m0*g.K+k0]
				} else {
					args.A = &r.a[k0*g.M+m0]
				}
			case shared:
				args.A, args.KsA = r.at(i*p.panelSize), 4*(m1-m0)
			case inTask:
				args.A, args.KsA = r.at(private+(i-p0)*p.panelSize), 4*(m1-m0)
				if s == s0 {
					r.packPanel(args.A, m0, m1, k0, k1)
				}
			}
			args.C = &c[m0*ldC+n0]
			kernels[m1-m0](args)
		}
	}
}

// addRows is the number of rows of dst in a task that adds partial sums.
const addRows = 8

func (p *plan) addTasks(m int) int { return ceil(m, addRows) }

// addTask adds the groups' sums for a few rows of dst: a product with a row of ones, and with the epilogue of the whole.
func (r *runner) addTask(i, worker int) {
	g, p := r.g, &r.g.plan
	w := &r.workers[worker]
	widest := &p.set.Widths[len(p.set.Widths)-1]
	for m := i * addRows; m < min((i+1)*addRows, g.M); m++ {
		for n := 0; n < g.N; n += widest.Columns {
			cols := min(widest.Columns, g.N-n)
			w.args = tile.Args{
				A: &one[0], B: r.at(r.partial + m*p.ldPartial + n), C: &r.dst[m*g.N+n], Taps: &w.tap, NTaps: 1, K: p.groups,
				KsB: 4 * g.M * p.ldPartial, Flags: r.flags, Cols: cols,
			}
			if g.Bias {
				w.args.Bias = &r.bias[n]
			}
			p.set.Width(cols).ColumnA[1](&w.args)
		}
	}
}
