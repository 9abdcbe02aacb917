package callbacks

import (
	"errors"
	"fmt"
	"image"
	"maps"
	"path/filepath"
	"strings"
	"time"

	"github.com/meseta-go/meseta/report"
)

// UpdateFreq says how often a TensorBoard writes metrics beside those of each epoch: never, or after every N updates.
type UpdateFreq int

// Metrics of epochs only, and of every update.
const (
	UpdateEveryEpoch UpdateFreq = 0
	UpdateEveryBatch UpdateFreq = 1
)

// TensorBoard writes event files that TensorBoard shows: LogDir/train has the scalars epoch_loss, epoch_learning_rate and
// so on by epoch, 0-based, histograms and images of the weights, and the network; LogDir/validation has the validation
// metrics under the same names, and evaluation_loss_vs_iterations and so on by update. Every event is in the file at once.
//
// Keras: callbacks.TensorBoard; names and steps are the same. Here batch metrics have a learning rate too, images of weights
// use the whole range from black to white (Keras cuts below 0 and above 1), and there is no profile.
type TensorBoard struct {
	LogDir              string // default logs; relative paths lie under the run directory
	HistogramFreq       int    // histograms of the weights in every Nth epoch, the first included; 0 for none
	WriteGraph          bool   // the network, for the graph dashboard
	WriteImages         bool   // the weights as images too, along with the histograms: the first 16 filters of each
	WriteStepsPerSecond bool   // epoch_steps_per_second, validation not counted, and where UpdateFreq is set batch_steps_per_second
	UpdateFreq          UpdateFreq

	dir               string
	run               Run
	validated         bool
	train, validation *report.Events
	now               func() time.Time
	epochBegun        time.Time
	lastUpdate        time.Time
	epochUpdates      int
}

// NewTensorBoard returns Keras's defaults: metrics and learning rate of each epoch, and the network.
func NewTensorBoard() *TensorBoard { return &TensorBoard{LogDir: defaultLogDir, WriteGraph: true} }

const defaultLogDir = "logs"

// Name returns tensorboard.
func (*TensorBoard) Name() string { return "tensorboard" }

func (c *TensorBoard) parameters() []parameter {
	return []parameter{
		{"log_dir", &c.LogDir}, {"histogram_freq", &c.HistogramFreq}, {"write_graph", &c.WriteGraph}, {"write_images", &c.WriteImages},
		{"write_steps_per_second", &c.WriteStepsPerSecond}, {"update_freq", &c.UpdateFreq},
	}
}

// Begin checks the settings, and that the directory can be written.
func (c *TensorBoard) Begin(s *Setup) error {
	switch {
	case c.HistogramFreq < 0:
		return fmt.Errorf("callbacks: TensorBoard: HistogramFreq is %d; give a number of epochs, or 0 for no histograms", c.HistogramFreq)
	case c.WriteImages && c.HistogramFreq == 0:
		return errors.New("callbacks: TensorBoard: WriteImages shows weights whenever histograms are written, and HistogramFreq is 0; set it to a number of epochs")
	case c.UpdateFreq < 0:
		return fmt.Errorf("callbacks: TensorBoard: UpdateFreq is %d; give a number of updates, or UpdateEveryEpoch (0)", c.UpdateFreq)
	}
	c.dir, c.run, c.validated, c.train, c.validation = s.path(orText(c.LogDir, defaultLogDir)), s.Run, s.Validation, nil, nil
	if c.now == nil {
		c.now = time.Now
	}
	if s.Replay {
		return nil
	}
	if err := checkWritable(filepath.Join(c.dir, "x")); err != nil {
		return fmt.Errorf("callbacks: TensorBoard: %w", err)
	}
	return nil
}

// Watch writes.
func (c *TensorBoard) Watch(e Event) error {
	switch {
	case e.Kind == TrainBegin:
		return c.open()
	case c.train == nil: // it could not be opened, which was reported
		return nil
	}
	switch e.Kind {
	case EpochBegin:
		c.epochBegun, c.epochUpdates = c.now(), 0
		c.lastUpdate = c.epochBegun
	case BatchEnd:
		return c.batch(e)
	case EpochEnd:
		return c.epoch(e)
	case TrainEnd:
		return c.close()
	}
	return nil
}

func (c *TensorBoard) open() (err error) {
	if c.train, err = report.CreateEvents(filepath.Join(c.dir, "train")); err != nil {
		return err
	}
	if c.validated {
		if c.validation, err = report.CreateEvents(filepath.Join(c.dir, "validation")); err != nil {
			return errors.Join(err, c.close())
		}
	}
	if !c.WriteGraph {
		return nil
	}
	network, err := c.run.Config()
	if err != nil {
		return err
	}
	return c.train.Write(0, report.NetworkSummary("keras", network))
}

func (c *TensorBoard) close() error {
	err := c.train.Close()
	if c.validation != nil {
		err = errors.Join(err, c.validation.Close())
	}
	c.train, c.validation = nil, nil
	return err
}

// batch writes after the updates that UpdateFreq names.
func (c *TensorBoard) batch(e Event) error {
	c.epochUpdates++
	now, before := c.now(), c.lastUpdate
	c.lastUpdate = now
	if c.UpdateFreq == UpdateEveryEpoch || e.Updates%int(c.UpdateFreq) != 0 {
		return nil
	}
	logs := maps.Clone(e.Batch.Logs())
	logs[learningRateName] = e.LearningRate
	summaries := scalars("batch_", logs, logs.Names())
	if c.WriteStepsPerSecond {
		summaries = append(summaries, perSecond("batch_", 1, now.Sub(before)))
	}
	return c.train.Write(int64(e.Updates), summaries...)
}

func perSecond(prefix string, steps int, d time.Duration) report.Summary {
	rate := 0.0
	if d > 0 {
		rate = float64(steps) / d.Seconds()
	}
	return report.ScalarSummary(prefix+"steps_per_second", rate)
}

// scalars are the summaries of some names of logs.
func scalars(prefix string, logs Logs, names []string) (summaries []report.Summary) {
	for _, name := range names {
		summaries = append(summaries, report.ScalarSummary(prefix+name, logs[name]))
	}
	return summaries
}

func (c *TensorBoard) epoch(e Event) error {
	own, val, iterations := Logs{}, Logs{}, Logs{}
	for name, value := range e.Logs {
		if plain, isVal := strings.CutPrefix(name, "val_"); isVal {
			val[plain] = value
			iterations[plain+"_vs_iterations"] = value
		} else {
			own[name] = value
		}
	}
	summaries := scalars("epoch_", own, own.Names())
	if c.WriteStepsPerSecond {
		summaries = append(summaries, perSecond("epoch_", c.epochUpdates, c.lastUpdate.Sub(c.epochBegun)))
	}
	if err := c.train.Write(int64(e.Epoch), summaries...); err != nil {
		return err
	}
	if c.validation != nil {
		if err := c.validation.Write(int64(e.Updates), scalars("evaluation_", iterations, iterations.Names())...); err != nil {
			return err
		}
		if err := c.validation.Write(int64(e.Epoch), scalars("epoch_", val, val.Names())...); err != nil {
			return err
		}
	}
	if c.HistogramFreq == 0 || e.Epoch%c.HistogramFreq != 0 {
		return nil
	}
	return c.run.EachWeight(func(path string, shape []int, values []float32) error { return c.weight(e.Epoch, path, shape, values) })
}

func (c *TensorBoard) weight(epoch int, path string, shape []int, values []float32) error {
	summaries := []report.Summary{report.HistogramSummary(path+"/histogram", values)}
	if images := weightImages(shape, values); c.WriteImages && images != nil {
		summary, err := report.ImageSummary(path+"/image", images)
		if err != nil {
			return err
		}
		summaries = append(summaries, summary)
	}
	return c.train.Write(int64(epoch), summaries...)
}

// maxImages are shown of one weight.
const maxImages = 16

// weightImages are the pictures of a weight. Without its dimensions of 1, a vector is one column, a matrix [a,b] is one
// picture, at least as wide as high, and filters [R,S,K] are a grey picture for each K; filters [R,S,3,K] are coloured. Other
// weights have none. The least value is black and the greatest white.
// Source: _log_weight_as_image of Keras's callbacks/tensorboard.py.
func weightImages(shape []int, values []float32) []image.Image {
	var dims []int
	for _, n := range shape {
		if n != 1 {
			dims = append(dims, n)
		}
	}
	byte8 := shades(values)
	switch {
	case len(values) == 0:
		return nil
	case len(dims) == 1:
		return []image.Image{grey(1, dims[0], func(x, y int) uint8 { return byte8(y) })}
	case len(dims) == 2 && dims[0] > dims[1]:
		return []image.Image{grey(dims[0], dims[1], func(x, y int) uint8 { return byte8(x*dims[1] + y) })}
	case len(dims) == 2:
		return []image.Image{grey(dims[1], dims[0], func(x, y int) uint8 { return byte8(y*dims[1] + x) })}
	case len(dims) != 3 && (len(dims) != 4 || dims[2] != 3):
		return nil
	}
	filters := dims[len(dims)-1]
	var images []image.Image
	for k := range min(filters, maxImages) {
		if len(dims) == 3 {
			images = append(images, grey(dims[1], dims[0], func(x, y int) uint8 { return byte8((y*dims[1]+x)*filters + k) }))
			continue
		}
		m := image.NewNRGBA(image.Rect(0, 0, dims[1], dims[0]))
		for i := range m.Pix {
			m.Pix[i] = 255
			if pixel, c := i/4, i%4; c < 3 {
				m.Pix[i] = byte8((pixel*3+c)*filters + k)
			}
		}
		images = append(images, m)
	}
	return images
}

func grey(width, height int, at func(x, y int) uint8) image.Image {
	m := image.NewGray(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = at(i%width, i/width)
	}
	return m
}

// shades spreads the finite values over 0 to 255; others are 0.
func shades(values []float32) func(i int) uint8 {
	var low, high float64
	first := true
	for _, v := range values {
		x := float64(v)
		if !finite(x) {
			continue
		}
		if first {
			low, high, first = x, x, false
		}
		low, high = min(low, x), max(high, x)
	}
	return func(i int) uint8 {
		x := float64(values[i])
		if !finite(x) || high == low {
			return 0
		}
		return uint8((x-low)/(high-low)*255 + 0.5)
	}
}
