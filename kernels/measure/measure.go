// Package measure counts for metrics: whether a label is among the best scores, scores between thresholds, confusion matrices.
//
// Scores are float32, labels int32, sums float64. Samples are split into tasks in a way that depends on their number alone, each task counts
// by itself, and the tasks' counts are added in order: the sums have the same bits for any number of workers.
//
// Files: topk.go, tally.go, confuse.go; ref.go the definitions.
package measure

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/ops"
)

const (
	taskElements = 1 << 14 // about how many scores one task counts
	mostTasks    = 16      // each wants counts of its own
)

// counter spreads samples over tasks with counts of their own. One task counts in the sums themselves.
type counter struct {
	dev        *cpu.Device
	n, size    int // samples, numbers in sums
	tasks      int
	count      func(counts []float64, from, to int)
	sums, room []float64
	task       func(i, worker int)
}

// Tasks is how many parts n samples of each elements are counted in: task i has samples i·n/tasks to before (i+1)·n/tasks.
func Tasks(n, each int) int { return min(mostTasks, n, (n*each+taskElements-1)/taskElements) }

// newCounter is of n samples of each elements, and size sums. Its error wraps ops.ErrShape if there are none.
func newCounter(dev *cpu.Device, name string, n, each, size int, count func(counts []float64, from, to int)) (*counter, error) {
	if n < 1 || each < 1 || size < 1 {
		return nil, fmt.Errorf("%s: %d samples of %d elements, %d sums, want at least 1: %w", name, n, each, size, ops.ErrShape)
	}
	c := &counter{dev: dev, n: n, size: size, tasks: Tasks(n, each), count: count}
	c.task = func(i, _ int) {
		counts := c.sums
		if c.tasks > 1 {
			counts = c.room[i*c.size:][:c.size]
			clear(counts)
		}
		c.count(counts, i*c.n/c.tasks, (i+1)*c.n/c.tasks)
	}
	return c, nil
}

// WorkspaceBytes is room for the tasks' counts.
func (c *counter) WorkspaceBytes() int {
	if c.tasks == 1 {
		return 0
	}
	return 8 * c.tasks * c.size
}

// run adds all samples to sums. workspace has WorkspaceBytes.
func (c *counter) run(sums, workspace []float64) {
	c.sums, c.room = sums, workspace
	c.dev.Parallel(c.tasks, c.task)
	if c.tasks > 1 {
		for i := range c.tasks {
			for j, x := range workspace[i*c.size:][:c.size] {
				sums[j] += x
			}
		}
	}
}

// weight is a sample's weight, 1 without weights.
func weight(weights []float32, n int) float64 {
	if weights == nil {
		return 1
	}
	return float64(weights[n])
}
