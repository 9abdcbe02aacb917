package conv

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// The tables testdata/measured-ISA.txt say what each variant took on some machine. A line is a shape as bench/inputs has it, a pass, and then
// variants with milliseconds. Rows are made, or made again, by
//
//	go test ./kernels/conv -run TestMeasureVariants/conv_resnet20 -measure avx512,avx2 -core 'Zen 5'
//
// on a machine that does nothing else; without the part behind the slash, those of all lists. A table of another machine is replaced as a whole.
var (
	measured = flag.String("measure", "", "instruction sets whose tables of measured variants TestMeasureVariants writes")
	core     = flag.String("core", "unnamed", "the kind of processor that measures")
)

const (
	measuredThreads = 2
	measuredRounds  = 9
)

func tableOf(isa cpu.ISA) string { return filepath.Join("testdata", "measured-"+isa.String()+".txt") }

// measuredTable is what variants took, in milliseconds, by shape and pass.
type measuredTable struct {
	head string // says how it was made
	rows map[string]map[string]float64
}

// readTable gives no rows where there is no file.
func readTable(t *testing.T, path string) measuredTable {
	x := measuredTable{rows: map[string]map[string]float64{}}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return x
	}
	require.NoError(t, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			x.head = s.Text()
			continue
		}
		fields := strings.Split(s.Text(), "\t")
		require.Greater(t, len(fields), 3, "%s: %s", path, s.Text())
		row := map[string]float64{}
		for _, field := range fields[2:] {
			name, ms, _ := strings.Cut(field, "=")
			row[name], err = strconv.ParseFloat(ms, 64)
			require.NoError(t, err, "%s: %s", path, s.Text())
		}
		x.rows[fields[0]+"\t"+fields[1]] = row
	}
	return x
}

func (x measuredTable) write(t *testing.T, path string) {
	var b strings.Builder
	fmt.Fprintln(&b, x.head)
	for _, key := range slices.Sorted(maps.Keys(x.rows)) {
		b.WriteString(key)
		for _, name := range slices.Sorted(maps.Keys(x.rows[key])) {
			fmt.Fprintf(&b, "\t%s=%.4g", name, x.rows[key][name])
		}
		b.WriteByte('\n')
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o666))
}

var keyAndNumber = regexp.MustCompile(`([a-z]+)(\d+)`)

// shapeOf reads a shape as bench.Conv does, which this package cannot import. It is held to what the lists of bench/inputs have.
func shapeOf(text string) Params {
	n := map[string]int{"mb": 1, "g": 1, "sh": 1}
	for _, m := range keyAndNumber.FindAllStringSubmatch(text, -1) {
		n[m[1]], _ = strconv.Atoi(m[2])
	}
	p := Params{
		N: n["mb"], H: n["ih"], W: n["ih"], C: n["ic"], R: n["kh"], S: n["kh"], K: n["oc"], Groups: n["g"],
		StrideH: n["sh"], StrideW: n["sh"], DilationH: 1, DilationW: 1, PadTop: n["ph"], PadLeft: n["ph"],
	}
	p.P = (p.H+2*p.PadTop-p.R)/p.StrideH + 1
	if oh, ok := n["oh"]; ok {
		p.P = oh
	}
	p.Q = p.P
	return p
}

// listed are the shapes of a list, and the same for a single image.
func listed(t *testing.T, path string) (shapes []string) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			shapes = append(shapes, line, regexp.MustCompile(`mb\d+`).ReplaceAllString(line, "mb1"))
		}
	}
	return shapes
}

// passesOf are those that matter for a shape: single images come when a model is used, not when it is trained.
func passesOf(shape string) []string {
	if shapeOf(shape).N == 1 {
		return []string{"forward"}
	}
	return []string{"forward", "data", "weights"}
}

// bareName is a variant's name without the instruction set, which ends it.
func bareName(isa cpu.ISA, variant string) string {
	return strings.TrimSuffix(variant, " "+isa.String())
}

// chosen is what the constructors choose.
func chosen(t *testing.T, dev *cpu.Device, p Params, pass string) string {
	var x interface{ Variant() string }
	var err error
	switch pass {
	case "forward":
		x, err = NewForward(dev, p, Epilogue{Bias: true})
	case "data":
		x, err = NewBackwardData(dev, p, false)
	case "weights":
		x, err = NewBackwardWeights(dev, p, false)
	}
	require.NoError(t, err)
	return bareName(dev.ISA(), x.Variant())
}

// TestChoiceIsFast holds the choice of variants to what they took when they were measured: in 95 of 100 cases the chosen one takes at most 10 % longer than
// the fastest, and all together 2 % (the geometric mean).
func TestChoiceIsFast(t *testing.T) {
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			table := readTable(t, tableOf(isa))
			if len(table.rows) == 0 {
				t.Skipf("no variants were measured with %v", isa)
			}
			dev := newDevice(t, isa, 1)
			var slow []string
			sum := 0.0
			for key, row := range table.rows {
				shape, pass, _ := strings.Cut(key, "\t")
				name := chosen(t, dev, shapeOf(shape), pass)
				took, ok := row[name]
				require.True(t, ok, "%s: %q was not measured; see the head of this file", key, name)
				fastest := slices.Min(slices.Collect(maps.Values(row)))
				sum += math.Log(took / fastest)
				if took > 1.1*fastest {
					slow = append(slow, fmt.Sprintf("%s %s takes %.2f times as long as the fastest: %v", key, name, took/fastest, row))
				}
			}
			n := float64(len(table.rows))
			slices.Sort(slow)
			t.Logf("%d of %.0f take over 10 %% longer, on average all take %.2f %%:\n%s", len(slow), n, 100*(math.Exp(sum/n)-1), strings.Join(slow, "\n"))
			assert.LessOrEqual(t, float64(len(slow)), .05*n)
			assert.LessOrEqual(t, math.Exp(sum/n), 1.02)
		})
	}
}

// TestMeasureVariants writes the tables, where it is asked to.
func TestMeasureVariants(t *testing.T) {
	if *measured == "" {
		t.Skip("-measure names no instruction set")
	}
	lists, err := filepath.Glob("../../bench/inputs/conv_*")
	require.NoError(t, err)
	require.NotEmpty(t, lists)
	for _, list := range lists {
		t.Run(filepath.Base(list), func(t *testing.T) {
			for name := range strings.SplitSeq(*measured, ",") {
				isa, err := cpu.Parse(name)
				require.NoError(t, err)
				dev := newDevice(t, isa, measuredThreads)
				table := readTable(t, tableOf(isa))
				head := fmt.Sprintf("# %s, %d threads: milliseconds, medians of %d rounds. TestMeasureVariants makes this file.", *core, measuredThreads, measuredRounds)
				if table.head != head {
					table = measuredTable{head, map[string]map[string]float64{}}
				}
				for _, shape := range listed(t, list) {
					for _, pass := range passesOf(shape) {
						if row := measure(t, dev, shapeOf(shape), pass); len(row) > 1 {
							table.rows[shape+"\t"+pass] = row
						}
					}
				}
				table.write(t, tableOf(isa))
			}
		})
	}
}

// measure gives the medians of all variants by their names, without the instruction set. They run by turns.
func measure(t *testing.T, dev *cpu.Device, p Params, pass string) map[string]float64 {
	var a arrays
	defer a.free(t)
	src, weights, dst, bias := a.of(t, p.SrcLen()), a.of(t, p.WeightsLen()), a.of(t, p.DstLen()), a.of(t, p.K)
	runs := map[string]func(){}
	for _, v := range variants {
		if !v.suits(p) {
			continue
		}
		var name fmt.Stringer
		var run func()
		switch pass {
		case "forward":
			x := v.forward(dev, p.flattened(math.MaxInt), Epilogue{Bias: true}, nil)
			ws := a.of(t, x.workspaceBytes()/4)
			name, run = x, func() { x.run(dst, src, weights, bias, ws) }
		case "data":
			x := v.backwardData(dev, p.flattened(math.MaxInt))
			ws := a.of(t, x.workspaceBytes()/4)
			name, run = x, func() { x.run(src, dst, weights, nil, ws) }
		case "weights":
			x := v.backwardWeights(dev, p.flattened(256), false, nil)
			ws := a.of(t, x.workspaceBytes()/4)
			name, run = x, func() { x.run(weights, nil, src, dst, ws) }
		}
		if key := bareName(dev.ISA(), name.String()); runs[key] == nil {
			runs[key] = run
		}
	}
	if len(runs) < 2 {
		return nil
	}
	names := slices.Sorted(maps.Keys(runs))
	times := map[string][]float64{}
	for round := range measuredRounds + 1 { // the first finds cold caches and fresh pages
		for _, name := range names {
			n, begin := 0, time.Now()
			for n == 0 || time.Since(begin) < 2*time.Millisecond {
				runs[name]()
				n++
			}
			if round > 0 {
				times[name] = append(times[name], time.Since(begin).Seconds()*1e3/float64(n))
			}
		}
	}
	row := map[string]float64{}
	for name, list := range times {
		slices.Sort(list)
		row[name] = list[len(list)/2]
	}
	return row
}

// arrays are those of one measurement.
type arrays []*cpu.Memory

// of gives an array of so many numbers, whose end and what lies behind it is as variants want it.
func (a *arrays) of(t *testing.T, n int) []float32 {
	m, err := cpu.Alloc(4 * (n + slack))
	require.NoError(t, err)
	*a = append(*a, m)
	x := m.Float32s()
	for i := range x {
		x[i] = float32(i%17)/16 - .5
	}
	return x[:n]
}

func (a *arrays) free(t *testing.T) {
	for _, m := range *a {
		require.NoError(t, m.Free())
	}
}
