package callbacks

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/schedules"
)

// trial is a random run: a stream, updates that are not finite, and callbacks, which are made anew for every order.
type trial struct {
	s      stream
	steps  int
	bad    map[int]bool // updates that are not finite
	swap   bool         // the optimizer has averages
	wait   bool         // the saver is waited for after every hook, so that no save overtakes another one
	makers []func() Callback
}

// newTrial draws a run. Values lie on a coarse grid, so that they tie and meet thresholds exactly.
func newTrial(t *testing.T, rng *rand.Rand) *trial {
	tr := &trial{s: stream{}, steps: 1 + rng.IntN(3), bad: map[int]bool{}, swap: rng.IntN(4) > 0, wait: rng.IntN(2) == 0}
	epochs := 3 + rng.IntN(7)
	grid := float64(4 + rng.IntN(12))
	names := []string{"loss", "accuracy", "val_loss", "val_accuracy"}
	for _, name := range names {
		x := 0.5
		for range epochs {
			switch rng.IntN(16) {
			case 0:
				x = math.NaN()
			case 1:
				x = math.Inf(rng.IntN(2)*2 - 1)
			case 2, 3, 4, 5: // a plateau
			default:
				x = math.Round(rng.Float64()*grid) / grid
			}
			tr.s[name] = append(tr.s[name], x)
		}
	}
	for range rng.IntN(4) {
		tr.bad[rng.IntN(epochs*tr.steps)] = true
	}
	pick := func() string { return names[rng.IntN(len(names))] }
	// The modes of a list must agree: one for each metric.
	modes := map[string]Mode{}
	for _, name := range names {
		modes[name] = Mode(rng.IntN(3))
	}
	watch := func() (string, Mode) { name := pick(); return name, modes[name] }
	some := func() *float64 {
		if rng.IntN(3) > 0 {
			return nil
		}
		return new(math.Round(rng.Float64()*grid) / grid)
	}
	rise := []schedules.Schedule{
		schedules.Triangular{MaxLR: 0.3, StepSize: 7}, schedules.OneCycle{MaxLR: 0.3, TotalEpochs: 12, PctStart: 0.3, DivFactor: 2, FinalDivFactor: 5},
		schedules.Piecewise{Boundaries: []int{3, 8}, Values: []float64{0.3, 0.2, 0.1}}, schedules.CosineRestarts{FirstDecayEpochs: 2, TMul: 2, MMul: 0.9, Alpha: 0.1},
	}[rng.IntN(4)]
	early := func() Callback {
		name, mode := watch()
		c := &EarlyStopping{
			Monitor: name, Mode: mode, Patience: 1 + rng.IntN(6), MinDelta: float64(rng.IntN(2)) / grid, Baseline: some(),
			CheckFinite: rng.IntN(2) == 0, StoppingThreshold: some(), AllowMissing: rng.IntN(4) == 0, StartFromEpoch: rng.IntN(2), Verbose: 1,
		}
		if c.StoppingThreshold == nil {
			c.DivergenceThreshold = some()
		}
		return c
	}
	choices := []func() Callback{
		early, early,
		func() Callback { c := early().(*EarlyStopping); c.RestoreBestWeights = true; return c },
		func() Callback {
			name, mode := watch()
			return &ModelCheckpoint{Filepath: "a-{epoch:02d}.h5", Monitor: name, Mode: mode, SaveBestOnly: rng.IntN(2) == 0, EveryNEpochs: rng.IntN(4), SaveLast: rng.IntN(2) == 0}
		},
		func() Callback {
			return &ModelCheckpoint{Filepath: "b.weights.h5", Monitor: "loss", Mode: modes["loss"], SaveBestOnly: true, SaveWeightsOnly: true, SaveFreq: SaveFreq(1 + rng.IntN(5)), InitialValueThreshold: some()}
		},
		func() Callback {
			return &ModelCheckpoint{Filepath: "b.weights.h5", Monitor: "accuracy", Mode: modes["accuracy"], SaveBestOnly: true, SaveWeightsOnly: true}
		},
		func() Callback {
			name, mode := watch()
			return &ModelCheckpoint{Filepath: "top/{epoch}.keras", Monitor: name, Mode: mode, SaveTopK: 1 + rng.IntN(3), SaveLast: true, OnException: true, InitialValueThreshold: some()}
		},
		func() Callback {
			return &ModelCheckpoint{Filepath: "top-{epoch}-{batch}.h5", Monitor: "loss", Mode: modes["loss"], SaveTopK: 2, SaveFreq: 1}
		},
		func() Callback {
			return &ModelCheckpoint{Filepath: "t{epoch}.h5", SaveInterval: []time.Duration{1, time.Hour}[rng.IntN(2)]}
		},
		func() Callback {
			name, mode := watch()
			return &ReduceLROnPlateau{Monitor: name, Mode: mode, Factor: 0.5, Patience: 1 + rng.IntN(3), Cooldown: rng.IntN(3), MinLR: 1e-3, MinDelta: float64(rng.IntN(2)) / 4, ThresholdMode: ThresholdMode(rng.IntN(2))}
		},
		func() Callback {
			name, mode := watch()
			return &ReduceLROnPlateau{Monitor: name, Mode: mode, Factor: 0.1, Patience: 1 + rng.IntN(3), MinLR: 1e-2}
		},
		func() Callback { return &LearningRateScheduler{Schedule: rise, Verbose: rng.IntN(2)} },
		func() Callback { return &WarmUp{Epochs: 2, From: 0.1, Shape: schedules.Shape(rng.IntN(3))} },
		func() Callback {
			return []*TerminateOnNaN{{}, {RaiseError: true}, {Policy: SkipOnNaN, MaxConsecutive: 1}, {Policy: RollBackOnNaN}, {Policy: RollBackOnNaN, Factor: 1, MaxConsecutive: 1}}[rng.IntN(5)]
		},
		func() Callback { return &SwapEMAWeights{SwapOnEpoch: rng.IntN(2) == 0} },
		func() Callback {
			return &Timer{Duration: []time.Duration{1, 1000 * time.Hour}[rng.IntN(2)], Filepath: "late.h5"}
		},
		func() Callback { return &Throughput{} },
		func() Callback { return &CSVLogger{Filename: "history.csv"} },
		func() Callback { return &TensorBoard{UpdateFreq: UpdateFreq(rng.IntN(3))} },
		func() Callback { return newHistory() },
		func() Callback { return &Report{Title: "a run"} },
		func() Callback { return NewCurves() },
	}
	for _, i := range rng.Perm(len(choices))[:2+rng.IntN(8)] {
		text, err := List{choices[i]()}.MarshalYAML()
		require.NoError(t, err)
		tr.makers = append(tr.makers, func() Callback {
			list, err := Decode(mustYAML(t, text))
			require.NoError(t, err)
			return list[0]
		})
	}
	return tr
}

// run trains with the callbacks in an order, and returns everything that must not depend on it.
func (tr *trial) run(t *testing.T, order []int, lambda int) string {
	var list []Callback
	for _, i := range order {
		list = append(list, tr.makers[i]())
	}
	var out strings.Builder
	// A Lambda, wherever it stands, sees what the others have decided.
	list = slices.Insert(list, lambda, Callback(&Lambda{OnEpochEnd: func(e Event) error {
		fmt.Fprintln(&out, "seen", e.Epoch, e.Logs, e.Record.NextLearningRate, len(e.Record.Decisions))
		return nil
	}}))
	r := &recorder{weights: "begin"}
	if tr.swap {
		r.averages = "average of begin"
	}
	setup := setupFor(t, tr.s, tr.steps, r)
	setup.Dir, setup.Log = filepath.Join(shared, "run"), &out
	m, err := NewManager(append(list, NewJournal()), setup)
	if err != nil { // of the same problems, in any order
		lines := strings.Split(err.Error(), "\n")
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	fmt.Fprintln(&out, "ended:", tr.train(m, r, &out))
	fmt.Fprintln(&out, r.did, r.weights, r.averages, m.NextLearningRate(), m.History())
	if tr.wait {
		fmt.Fprintln(&out, r.saved)
	}
	require.NoError(t, filepath.WalkDir(setup.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(path, "tfevents") || strings.HasSuffix(path, ".html") { // these hold times
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s: %s\n", path[len(setup.Dir):], text)
		return err
	}))
	require.NoError(t, os.RemoveAll(setup.Dir))
	return out.String()
}

func (tr *trial) train(m *Manager, r *recorder, out *strings.Builder) (err error) {
	wait := func() {
		if tr.wait {
			m.saver.wait()
		}
	}
	defer func() { err = errors.Join(err, m.TrainEnd(err)) }()
	if err := m.TrainBegin(); err != nil {
		return err
	}
	for epoch := range tr.s.epochs() {
		if err := m.EpochBegin(epoch); err != nil {
			return err
		}
		stop := false
		for i := 0; i < tr.steps && !stop; i++ {
			b := Batch{Epoch: epoch, Index: i, Step: epoch*tr.steps + i, Size: 8}
			b.Logs = func() Logs { return Logs{"loss": tr.s["loss"][epoch], "accuracy": tr.s["accuracy"][epoch]} }
			fmt.Fprintln(out, m.LearningRate(epoch, b.Step))
			if tr.bad[b.Step] {
				b.Err, b.Loss = errNotFinite, math.NaN()
			} else {
				r.weights = fmt.Sprintf("step %d after %.6s", b.Step, r.weights)
				if tr.swap {
					r.averages = "average of " + r.weights
				}
			}
			o, err := m.BatchEnd(b)
			if err != nil {
				return err
			}
			stop = o.Stop
			wait()
		}
		if err := errors.Join(m.TestBegin(1), m.TestEnd()); err != nil {
			return err
		}
		o, err := m.EpochEnd(epoch, tr.s.at(epoch))
		if err != nil {
			return err
		}
		wait()
		if o.Stop || stop {
			return nil
		}
	}
	return nil
}

// permutations calls visit with every order of n things, or where there are too many with some, their reverse included.
func permutations(rng *rand.Rand, n int, visit func(order []int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if n > 3 {
		visit(order)
		slices.Reverse(order)
		visit(order)
		for range 4 {
			rng.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
			visit(order)
		}
		return
	}
	var all func(k int)
	all = func(k int) {
		if k == n {
			visit(order)
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			all(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	all(0)
}

// TestListOrderNeverMatters runs 1,000 random lists of callbacks on random streams: no order of a list changes a decision, a rate, a
// saved or removed file, the journal, what a person reads, or the final weights.
func TestListOrderNeverMatters(t *testing.T) {
	trials := 1000
	if testing.Short() || raceDetector {
		trials = 100
	}
	shared = t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	refused, runs := 0, 0
	for number := range trials {
		tr := newTrial(t, rng)
		first := ""
		permutations(rng, len(tr.makers), func(order []int) {
			got := tr.run(t, order, rng.IntN(len(order)+1))
			if first == "" {
				first = got
			}
			require.Equal(t, first, got, "trial %d, order %v", number, order)
			runs++
		})
		if !strings.Contains(first, "ended: ") {
			refused++
		}
	}
	t.Logf("%d runs, %d of %d lists were refused before the first step", runs, refused, trials)
	require.Less(t, refused, trials/2, "most lists run")
}
