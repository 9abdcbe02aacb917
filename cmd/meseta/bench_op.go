package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/meseta-go/meseta/bench"
	"github.com/meseta-go/meseta/kernels"
)

func newBenchOp() *cobra.Command {
	c := &cobra.Command{
		Use:   "op",
		Short: "Measure single convolutions and products of matrices",
		Args:  oneBelow,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	conv := &cobra.Command{
		Use:   "conv [SHAPE ...]",
		Short: "Measure convolutions, forward and their gradients",
		Long: `Measure convolutions, forward and their gradients. A shape is written as oneDNN's benchdnn does: ` + bench.ConvExample + ` has 8 images of 56×56 pixels and
64 channels in, 64 channels out, filters of 3×3 and a row of padding on each side; g groups, iw ow kw pw where columns differ from rows, sh strides,
dh rows between the elements of a filter.

GFLOP/s count two operations for each product of the plain algorithm. Winograd's needs fewer, so it may be faster than the peak of multiply-adds.
With --json there is one line for each shape and pass.`,
		RunE: benchConv,
	}
	conv.Flags().StringSlice("pass", bench.Passes, "forward, data (gradient of the image), weights (gradient of the filters)")
	conv.Flags().Int("batch", 0, "images, in place of the shapes' mb")
	gemm := &cobra.Command{
		Use:   "gemm [SHAPE ...]",
		Short: "Measure products of matrices",
		Long: `Measure products of matrices. ` + bench.GEMMExample + ` multiplies [128,64] by [64,10]; with ta1 the first one is stored transposed, with tb1 the second.
With --json there is one line for each shape.`,
		RunE: benchGEMM,
	}
	for _, op := range []*cobra.Command{conv, gemm} {
		op.Flags().String("list", "", "built-in list of shapes, or a file with one a line; there are "+strings.Join(listsOf(op.Name()), ", "))
		op.Flags().Float64("seconds", 0.3, "how long to measure each")
		addDevice(op)
		c.AddCommand(op)
	}
	return c
}

// listsOf names the built-in lists for an operation.
func listsOf(op string) []string {
	return slices.DeleteFunc(bench.Inputs(), func(name string) bool { return !strings.HasPrefix(name, op+"_") })
}

// shapes are those of the command line and of --list.
func shapes(c *cobra.Command, args []string) ([]string, error) {
	list, err := c.Flags().GetString("list")
	if err != nil {
		return nil, err
	}
	text := ""
	switch {
	case list == "":
	case slices.Contains(listsOf(c.Name()), list):
		if text, err = bench.Input(list); err != nil {
			return nil, err
		}
	default:
		octets, err := os.ReadFile(list)
		if err != nil {
			return nil, fmt.Errorf("--list %s is neither a file nor one of %s: %w", list, strings.Join(listsOf(c.Name()), ", "), err)
		}
		text = string(octets)
	}
	all := slices.Concat(args, bench.Lines(text))
	if len(all) == 0 {
		example := map[string]string{"conv": bench.ConvExample, "gemm": bench.GEMMExample}[c.Name()]
		return nil, usageError{fmt.Errorf("%s wants shapes, %s say, or a list of them with --list", c.CommandPath(), example)}
	}
	return all, nil
}

func benchConv(c *cobra.Command, args []string) error {
	passes, err := c.Flags().GetStringSlice("pass")
	if err != nil {
		return err
	}
	batch, err := c.Flags().GetInt("batch")
	if err != nil {
		return err
	}
	if batch < 0 {
		return usageError{fmt.Errorf("--batch %d: want 1 or more, or 0 for the shapes' own", batch)}
	}
	return benchOps(c, args, func(text string) ([]bench.Case, error) { return bench.Conv(text, batch, passes) })
}

func benchGEMM(c *cobra.Command, args []string) error {
	return benchOps(c, args, func(text string) ([]bench.Case, error) {
		product, err := bench.GEMM(text)
		return []bench.Case{product}, err
	})
}

// measuredOp is a line of bench op.
type measuredOp struct {
	Op           string  `json:"op"`
	Shape        string  `json:"shape"`
	Name         string  `json:"name"`
	Pass         string  `json:"pass"`
	Threads      int     `json:"threads"`
	Device       string  `json:"device"`
	Precision    string  `json:"precision"`
	Variant      string  `json:"variant"`
	FLOPs        int64   `json:"flops"`
	Bytes        int64   `json:"bytes"`
	MedianMS     float64 `json:"ms_median"`
	BestMS       float64 `json:"ms_min"`
	GFLOPs       float64 `json:"gflops_median"`
	BestGFLOPs   float64 `json:"gflops_best"`
	PeakGFLOPs   float64 `json:"peak_gflops"`   // of multiply-adds, measured beside each shape
	PeakFraction float64 `json:"peak_fraction"` // of gflops_median
	GB           float64 `json:"gb_per_s"`      // by the median
	PeakGB       float64 `json:"peak_gb_per_s"` // of the memory
	rated
}

// rated is what a GPU can do by its clocks; nothing of a CPU.
type rated struct {
	RatedGFLOPs float64 `json:"rated_gflops,omitempty"`
	RatedGB     float64 `json:"rated_gb_per_s,omitempty"`
}

func ratedOf(dev kernels.Device) (r rated) {
	if d, ok := dev.(kernels.Rated); ok {
		operations, bytes := d.Rating()
		r = rated{operations / 1e9, bytes / 1e9}
	}
	return r
}

func benchOps(c *cobra.Command, args []string, parse func(string) ([]bench.Case, error)) error {
	texts, err := shapes(c, args)
	if err != nil {
		return err
	}
	var cases [][]bench.Case
	for _, text := range texts {
		list, err := parse(text)
		if err != nil {
			return usageError{err}
		}
		cases = append(cases, list)
	}
	seconds, err := positiveSeconds(c)
	if err != nil {
		return err
	}
	dev, err := benchDevice(c, 0)
	if err != nil {
		return err
	}
	defer dev.Close()
	table := newTable(c, "ms\tGFLOP/s\t% of peak\tGB/s\tpass\tkernel\tshape")
	for _, list := range cases {
		operations, bandwidth := dev.Limits()
		for _, one := range list {
			if err := c.Context().Err(); err != nil {
				return err
			}
			m, err := bench.Measure(dev, one, seconds)
			if err != nil {
				return err
			}
			took := m.Median.Seconds()
			r := measuredOp{
				Op: one.Op.Name(), Shape: one.Shape, Name: one.Name, Pass: one.Pass, Threads: dev.Threads(), Device: dev.String(), Precision: "float32",
				Variant: m.Variant, FLOPs: m.FLOPs, Bytes: m.Bytes, MedianMS: took * 1e3, BestMS: m.Best.Seconds() * 1e3,
				GFLOPs: float64(m.FLOPs) / took / 1e9, BestGFLOPs: float64(m.FLOPs) / m.Best.Seconds() / 1e9,
				PeakGFLOPs: operations / 1e9, PeakFraction: float64(m.FLOPs) / took / operations, GB: float64(m.Bytes) / took / 1e9, PeakGB: bandwidth / 1e9, rated: ratedOf(dev),
			}
			if wantsJSON(c) {
				err = printJSON(c, r)
			} else {
				err = table.row("%.3f\t%.1f\t%.0f\t%.1f\t%s\t%s\t%s", r.MedianMS, r.GFLOPs, 100*r.PeakFraction, r.GB, r.Pass, r.Variant, strings.TrimSpace(r.Shape+" "+r.Name))
			}
			if err != nil {
				return err
			}
		}
	}
	return table.end()
}

func newBenchPeak() *cobra.Command {
	c := &cobra.Command{
		Use:   "peak",
		Short: "Measure the most that this machine can do",
		Long: `Measure the most that this machine can do, with one thread and with all: float32 multiply-adds in registers, one being two operations, and
copies between blocks that no cache holds, both directions counted. With --json there is one line for each number of threads. Of a GPU it also says what its clocks would allow.`,
		Args: exactly(),
		RunE: benchPeak,
	}
	addDevice(c)
	return c
}

// measuredPeak is a line of bench peak.
type measuredPeak struct {
	Threads   int     `json:"threads"`
	Device    string  `json:"device"`
	Precision string  `json:"precision"`
	GFLOPs    float64 `json:"peak_gflops"`
	GB        float64 `json:"peak_gb_per_s"`
	rated
}

func benchPeak(c *cobra.Command, _ []string) error {
	all, err := benchDevice(c, 0)
	if err != nil {
		return err
	}
	numbers := []int{1}
	if n := all.Threads(); n > 1 {
		numbers = append(numbers, n)
	}
	if err := all.Close(); err != nil {
		return err
	}
	for _, threads := range numbers {
		dev, err := benchDevice(c, threads)
		if err != nil {
			return err
		}
		operations, bytes := dev.Limits()
		r := measuredPeak{threads, dev.String(), "float32", operations / 1e9, bytes / 1e9, ratedOf(dev)}
		if err := errors.Join(dev.Err(), dev.Close()); err != nil {
			return err
		}
		if wantsJSON(c) {
			err = printJSON(c, r)
		} else {
			by := ""
			if r.RatedGFLOPs > 0 {
				by = fmt.Sprintf("; by its clocks %.1f GFLOP/s, %.1f GB/s", r.RatedGFLOPs, r.RatedGB)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s, threads %d: %.1f GFLOP/s, %.1f GB/s%s\n", r.Device, r.Threads, r.GFLOPs, r.GB, by)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// benchDevice is the device that the flags name. Where threads is not 0 it has so many, and nothing is said about it.
func benchDevice(c *cobra.Command, threads int) (kernels.Device, error) {
	on, err := device(c)
	if err != nil {
		return nil, err
	}
	if threads == 0 {
		sayDevice(c, on.device)
		threads = on.threads
	}
	return kernels.Open(kernels.Settings{Device: on.device, Threads: threads, Exact: on.exact})
}

// table prints rows under a head, in columns; nothing where JSON is wanted.
type table struct{ w *tabwriter.Writer }

func newTable(c *cobra.Command, head string) table {
	out := c.OutOrStdout()
	if wantsJSON(c) {
		out, head = io.Discard, ""
	}
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	fmt.Fprintln(t.w, head)
	return t
}

func (t table) row(format string, values ...any) error {
	_, err := fmt.Fprintf(t.w, format+"\n", values...)
	return err
}

func (t table) end() error { return t.w.Flush() }
