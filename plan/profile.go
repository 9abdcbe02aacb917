package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/meseta-go/meseta/kernels"
)

// Measured is one step of a program and the time that it took.
type Measured struct {
	Step    int    `json:"step"`
	Op      string `json:"op"` // with attributes
	Variant string `json:"variant"`
	Layer   string `json:"layer"` // or phase
	FLOPs   int64  `json:"flops"`
	Bytes   int64  `json:"bytes"` // of its operands and results, each counted once: what it moves at least
	// Seconds is the median over the runs.
	Seconds float64 `json:"seconds"`
}

// Profile is where a program's time goes.
type Profile struct {
	Steps   []Measured `json:"steps"`
	Seconds float64    `json:"seconds"` // the sum of the steps'
}

// Profile runs the program so many times and measures every step by itself, but for those that run once for each set of weights. load is called before each run to
// set the batch, which brings numbers. A training program trains meanwhile.
func (p *Program) Profile(runs int, load func()) (*Profile, error) {
	if runs < 1 {
		return nil, fmt.Errorf("plan: a profile of %d runs, want at least 1", runs)
	}
	load()
	if err := p.Run(); err != nil { // also binds the kernels, and touches the memory
		return nil, err
	}
	r := &Profile{}
	var run []func()
	for i, op := range p.listing.Ops {
		if p.kernels[i] == nil || i < p.listing.fixed {
			continue
		}
		m := Measured{Step: i, Op: describe(op), Variant: p.kernels[i].Variant(), Layer: op.Label, FLOPs: p.flops(i)}
		for _, v := range slices.Concat(op.In, op.Out) {
			m.Bytes += int64(p.listing.Type(v).Bytes())
		}
		r.Steps = append(r.Steps, m)
		run = append(run, p.bindStep(i))
	}
	once := p.timesByClock(run)
	if t, ok := p.session.device.(kernels.Timer); ok {
		once = func() ([]time.Duration, error) {
			for i, b := range p.batchPlaces() { // to where else the pipe takes them
				b.Memory.Write(b.Offset, p.pipe.In(i))
			}
			return t.Times(run)
		}
	}
	times := make([][]float64, len(run))
	for range runs {
		load()
		took, err := once()
		if err != nil {
			return nil, err
		}
		for i, t := range took {
			times[i] = append(times[i], t.Seconds())
		}
	}
	for i := range r.Steps {
		slices.Sort(times[i])
		r.Steps[i].Seconds = times[i][runs/2]
		r.Seconds += r.Steps[i].Seconds
	}
	return r, nil
}

// timesByClock gives what runs the steps once and measures each by the host's clock.
func (p *Program) timesByClock(run []func()) func() ([]time.Duration, error) {
	steps := make([]func() error, len(run))
	for i := range run {
		steps[i] = p.session.device.Sequence(run[i : i+1])
	}
	return func() (times []time.Duration, err error) {
		for _, step := range steps {
			start := time.Now()
			if err := step(); err != nil {
				return nil, err
			}
			times = append(times, time.Since(start))
		}
		return times, nil
	}
}

// Format prints what each kind of operation takes, and then each step, both in the order of their time, the longest first: part of the whole, rates,
// and the time that it takes at least on a device that computes peak operations and moves bandwidth bytes a second. A kernel may be below
// that least: Winograd's convolutions multiply less than they count for, and caches are faster than memory.
func (r *Profile) Format(peak, bandwidth float64) string {
	limit := func(m Measured) float64 { return max(float64(m.FLOPs)/peak, float64(m.Bytes)/bandwidth) }
	kinds := map[string]*Measured{}
	leasts := map[string]float64{}
	least := 0.0
	for _, m := range r.Steps {
		name, _, _ := strings.Cut(m.Op, " ")
		k := kinds[name]
		if k == nil {
			k = &Measured{Op: name}
			kinds[name] = k
		}
		k.Step++ // here: how many
		k.Seconds += m.Seconds
		k.FLOPs += m.FLOPs
		k.Bytes += m.Bytes
		leasts[name] += limit(m)
		least += limit(m)
	}
	longestFirst := func(a, b Measured) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Op, b.Op))
	}
	rates := func(m Measured) string {
		compute := "-"
		if m.FLOPs > 0 {
			compute = fmt.Sprintf("%.1f", float64(m.FLOPs)/m.Seconds/1e9)
		}
		return fmt.Sprintf("%s\t%.1f", compute, float64(m.Bytes)/m.Seconds/1e9)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%.3f ms a step; at %.0f GFLOP/s and %.1f GB/s it takes %.3f ms at least\n\n", r.Seconds*1e3, peak/1e9, bandwidth/1e9, least*1e3)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ms\t%\tleast ms\tGFLOP/s\tGB/s\tsteps\toperation")
	var list []Measured
	for _, k := range kinds {
		list = append(list, *k)
	}
	slices.SortFunc(list, longestFirst)
	for _, m := range list {
		fmt.Fprintf(w, "%.3f\t%.1f\t%.3f\t%s\t%d\t%s\n", m.Seconds*1e3, 100*m.Seconds/r.Seconds, leasts[m.Op]*1e3, rates(m), m.Step, m.Op)
	}
	w.Flush()
	b.WriteByte('\n')
	w = tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ms\t%\tleast ms\tGFLOP/s\tGB/s\tstep\tkernel\tlayer\toperation")
	for _, m := range slices.SortedFunc(slices.Values(r.Steps), longestFirst) {
		fmt.Fprintf(w, "%.3f\t%.1f\t%.3f\t%s\t%d\t%s\t%s\t%s\n", m.Seconds*1e3, 100*m.Seconds/r.Seconds, limit(m)*1e3, rates(m), m.Step, m.Variant, m.Layer, m.Op)
	}
	w.Flush()
	return b.String()
}
