package plan

import (
	"sort"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/ops"
)

// storage is a stretch of the arena that one value, or several in turn or at once, live in.
type storage struct {
	bytes      int
	first, end int // indices of the first and last operation that touch it
	offset     int
	outside    string // what lives across steps: its name in the session's store; it is not in the arena
	pinned     bool   // not to be written over before its last reader
}

// placement says where every value of a program lives.
type placement struct {
	of    []int // storage of each value, or -1
	list  []storage
	work  []int // storage of each operation's workspace, or -1
	bytes int   // of the arena
}

// roundUp gives the place that n bytes take with their alignment and slack.
func roundUp(n int) int {
	return (n + kernels.Alignment - 1) / kernels.Alignment * kernels.Alignment
}

// place gives every value that does not outlive the step an offset in one arena, such that values that are needed at the same
// time do not overlap. Views share their source's place, and an operation that may work in place does so when nobody reads its
// input afterwards. What fixed operations give the others keeps its place to the end, for the steps that follow. The gradients of all
// weights lie side by side in the order of the weights, so that one sweep updates all.
func place(l *listing, workspaces []int) *placement {
	p := &placement{of: make([]int, len(l.Values)), work: make([]int, len(l.Ops))}
	for i := range p.of {
		p.of[i] = -1
	}
	u := usesOf(l.Graph, l.kept)
	last := len(l.Ops) - 1
	add := func(s storage) int {
		p.list = append(p.list, s)
		return len(p.list) - 1
	}

	block := -1 // all gradients
	gradient := make(map[ops.Value]int, len(l.gradients))
	if len(l.gradients) > 0 {
		total := 0
		for _, g := range l.gradients {
			gradient[u.source(g)] = total
			total += roundUp(l.Type(g).Bytes())
		}
		block = add(storage{bytes: total, first: len(l.Ops), end: last, pinned: true})
	}
	use := func(v ops.Value, i int) {
		s := &p.list[p.of[v]]
		s.first, s.end = min(s.first, i), max(s.end, i)
	}
	for _, v := range []ops.Value{l.src, l.targets, l.weights} {
		if v != ops.None {
			p.of[v] = add(storage{bytes: l.Type(v).Bytes(), pinned: true})
			if len(u.readers[v]) > 0 {
				p.list[p.of[v]].end = u.readers[v][len(u.readers[v])-1]
			}
		}
	}
	// A storage's last reader, known beforehand because a view reads through to its source.
	lastRead := make([]int, len(l.Values))
	for v := range lastRead {
		if n := len(u.readers[v]); n > 0 {
			lastRead[v] = u.readers[v][n-1]
		}
		if u.kept[v] {
			lastRead[v] = last + 1
		}
	}
	for i := last; i >= 0; i-- {
		if op := l.Ops[i]; ops.IsView(op.Operator) {
			lastRead[op.In[0]] = max(lastRead[op.In[0]], lastRead[op.Out[0]])
		}
	}
	occupant := map[int]ops.Value{} // storage → the value in it whose last reader counts

	for i, op := range l.Ops {
		for _, v := range op.In {
			if l.Values[v].Role == ops.Temporary || l.Values[v].Role == ops.Input {
				use(v, i)
				if s := &p.list[p.of[v]]; i >= l.fixed && s.first < l.fixed && s.outside == "" && !s.pinned {
					s.end, s.pinned = last, true
				}
			} else if p.of[v] < 0 {
				p.of[v] = add(storage{outside: l.Values[v].Name})
			}
		}
		for k, v := range op.Out {
			switch _, isGradient := gradient[v]; {
			case isGradient:
				p.of[v] = block
			case ops.IsView(op.Operator):
				p.of[v] = p.of[op.In[0]]
			default:
				p.of[v] = -1
				if in, ok := op.Operator.(ops.InPlacer); ok && k == 0 {
					for _, j := range in.InPlace() {
						w := op.In[j]
						s := p.of[w]
						if p.list[s].outside != "" || p.list[s].pinned || p.list[s].bytes != l.Type(v).Bytes() {
							continue
						}
						if top, ok := occupant[s]; ok && lastRead[top] <= i && readsOnce(op.In, p.of, s) {
							p.of[v] = s
							break
						}
					}
				}
				if p.of[v] < 0 {
					p.of[v] = add(storage{bytes: l.Type(v).Bytes(), first: i, end: i})
				}
				occupant[p.of[v]] = v
			}
			use(v, i)
			if u.kept[v] {
				p.list[p.of[v]].end = last
				p.list[p.of[v]].pinned = true
			}
		}
		p.work[i] = -1
		if workspaces[i] > 0 {
			p.work[i] = add(storage{bytes: workspaces[i], first: i, end: i})
		}
	}
	p.fit()
	for v, offset := range gradient {
		// Each gradient is its own storage within the block.
		s := p.list[block]
		p.of[v] = add(storage{bytes: l.Type(v).Bytes(), first: s.first, end: s.end, offset: s.offset + offset, pinned: true})
	}
	for _, op := range l.Ops {
		if ops.IsView(op.Operator) {
			p.of[op.Out[0]] = p.of[op.In[0]]
		}
	}
	return p
}

// readsOnce says whether only one input of an operation lives in storage s.
func readsOnce(in []ops.Value, of []int, s int) bool {
	n := 0
	for _, v := range in {
		if of[v] == s {
			n++
		}
	}
	return n == 1
}

// fit gives storages their offsets: the largest first, each at the lowest place that is free while it is needed.
func (p *placement) fit() {
	order := make([]int, 0, len(p.list))
	for i, s := range p.list {
		if s.outside == "" && s.bytes > 0 {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return p.list[order[a]].bytes > p.list[order[b]].bytes })
	var placed []int // sorted by offset
	for _, i := range order {
		s := &p.list[i]
		size := roundUp(s.bytes)
		at := 0
		for _, j := range placed {
			t := p.list[j]
			if t.end < s.first || s.end < t.first {
				continue
			}
			if at+size <= t.offset {
				break
			}
			at = max(at, t.offset+roundUp(t.bytes))
		}
		s.offset = at
		p.bytes = max(p.bytes, at+size)
		k := sort.Search(len(placed), func(k int) bool { return p.list[placed[k]].offset > at })
		placed = append(placed, 0)
		copy(placed[k+1:], placed[k:])
		placed[k] = i
	}
}
