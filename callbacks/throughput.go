package callbacks

import (
	"fmt"
	"time"
)

// Throughput measures how many samples per second each epoch trains on, validation not counted, and how near that comes
// to what the device could do.
//
// It decides nothing, and writes no times into the journal. PyTorch Lightning: callbacks.ThroughputMonitor.
type Throughput struct {
	FLOPsPerSample float64 // floating-point operations that training on one sample takes; 0 if it is not known
	PeakFLOPS      float64 // what the device can do in a second; 0 if it is not known. Both or none are set
	Verbose        int     // 1 says it as each epoch ends

	// Epochs is what was measured, an entry for each epoch that ended. A new fit empties it.
	Epochs []EpochThroughput

	say     func(string)
	now     func() time.Time
	begun   time.Time // of the epoch
	current EpochThroughput
}

// EpochThroughput is the training of one epoch.
type EpochThroughput struct {
	Epoch    int           // 0-based
	Updates  int           // that it took
	Samples  int           // that it trained on
	Duration time.Duration // from the beginning of the epoch to the end of its last update
}

// SamplesPerSecond is the mean over the epoch, 0 for an epoch without an update.
func (e EpochThroughput) SamplesPerSecond() float64 {
	if e.Duration <= 0 {
		return 0
	}
	return float64(e.Samples) / e.Duration.Seconds()
}

// NewThroughput returns one that says each epoch's throughput.
func NewThroughput() *Throughput { return &Throughput{Verbose: 1} }

// Name returns throughput.
func (*Throughput) Name() string { return "throughput" }

func (c *Throughput) parameters() []parameter {
	return []parameter{{"flops_per_sample", &c.FLOPsPerSample}, {"peak_flops", &c.PeakFLOPS}, {"verbose", &c.Verbose}}
}

// Begin checks the settings and forgets earlier runs.
func (c *Throughput) Begin(s *Setup) error {
	if !(c.FLOPsPerSample >= 0 && c.PeakFLOPS >= 0) || !finite(c.FLOPsPerSample) || !finite(c.PeakFLOPS) || (c.FLOPsPerSample > 0) != (c.PeakFLOPS > 0) {
		return fmt.Errorf("callbacks: Throughput: FLOPsPerSample is %g and PeakFLOPS %g; set both of them, to positive numbers, or none", c.FLOPsPerSample, c.PeakFLOPS)
	}
	c.Epochs, c.current, c.say = nil, EpochThroughput{}, s.println
	if c.now == nil {
		c.now = time.Now
	}
	return nil
}

// Utilization is the part of the device's peak that an epoch used, in [0, 1] if the settings are right; 0 if they are not set.
func (c *Throughput) Utilization(e EpochThroughput) float64 {
	if c.PeakFLOPS == 0 {
		return 0
	}
	return e.SamplesPerSecond() * c.FLOPsPerSample / c.PeakFLOPS
}

// Watch measures.
func (c *Throughput) Watch(e Event) error {
	switch e.Kind {
	case EpochBegin:
		c.begun, c.current = c.now(), EpochThroughput{Epoch: e.Epoch}
	case BatchEnd:
		c.current.Updates++
		c.current.Samples += e.Batch.Size
		c.current.Duration = c.now().Sub(c.begun)
	case EpochEnd:
		c.Epochs = append(c.Epochs, c.current)
		if c.Verbose > 0 {
			c.say(c.line(c.current))
		}
	}
	return nil
}

func (c *Throughput) line(e EpochThroughput) string {
	line := fmt.Sprintf("Epoch %d: %.0f samples/s", e.Epoch+1, e.SamplesPerSecond())
	if c.PeakFLOPS > 0 {
		line += fmt.Sprintf(", %.1f %% of the device's peak", 100*c.Utilization(e))
	}
	return line
}
