package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/meseta-go/meseta/gpu"
	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine offers and what meseta would use",
		Long: `Say what this machine offers and what meseta would use. It fails where training could not begin: on the device, which has to compute something
unless it is auto, or because runs cannot be written.`,
		Args: exactly(),
		RunE: doctor,
	}
	c.Flags().String("device", "auto", "what has to be there: auto (the CPU will do), cpu, cuda or cuda:N")
	return c
}

// health is what doctor prints as JSON.
type health struct {
	Version      string        `json:"version"`
	Go           string        `json:"go"`
	System       string        `json:"system"`
	Processors   int           `json:"processors"`
	Threads      int           `json:"threads"`
	ISA          string        `json:"isa"`
	ISAs         []string      `json:"isas"`
	ISAForced    bool          `json:"isa_forced"`
	GPU          string        `json:"gpu"` // how many, or why none can be used and what to do
	GPUs         []gpuHealth   `json:"gpus,omitempty"`
	Driver       *driverHealth `json:"driver,omitempty"`
	RunDirectory string        `json:"run_directory"`
}

// driverHealth is what was found of NVIDIA's driver.
type driverHealth struct {
	Library string `json:"library"`
	CUDA    string `json:"cuda,omitempty"`
	PTX     bool   `json:"compiles_ptx"`
}

// gpuHealth is a GPU.
type gpuHealth struct {
	Device     string `json:"device"` // as --device wants it
	Name       string `json:"name"`
	Capability string `json:"compute_capability"`
	Memory     int64  `json:"memory_bytes"`
	Kernels    string `json:"kernels"` // in what form it gets them
}

// findGPUs fills in what there is of driver and GPUs.
func (h *health) findGPUs() {
	d, err := gpu.Find()
	if d.Library != "" {
		h.Driver = &driverHealth{Library: d.Library, PTX: d.JIT}
		if d.Version > 0 {
			h.Driver.CUDA = d.CUDA()
		}
	}
	for _, i := range d.Devices {
		h.GPUs = append(h.GPUs, gpuHealth{fmt.Sprintf("cuda:%d", i.Index), i.Name, i.Capability(), i.Memory, kernels.CodeFor(i)})
	}
	if err != nil {
		h.GPU = reason(err)
		return
	}
	h.GPU = fmt.Sprintf("%d found", len(d.Devices))
	if err := kernels.Fallback(); err != nil {
		h.GPU += ", auto takes none: " + reason(err)
	}
}

// printGPUs says it to people.
func (h *health) printGPUs(out io.Writer) {
	fmt.Fprintf(out, "GPU          %s\n", h.GPU)
	for _, g := range h.GPUs {
		fmt.Fprintf(out, "             %s: %s, compute capability %s, %.1f GiB; kernels: %s\n", g.Device, g.Name, g.Capability, float64(g.Memory)/(1<<30), g.Kernels)
	}
	if h.Driver == nil {
		return
	}
	fmt.Fprintf(out, "driver       %s", h.Driver.Library)
	if h.Driver.CUDA != "" {
		fmt.Fprintf(out, ", CUDA %s", h.Driver.CUDA)
	}
	fmt.Fprintln(out)
	if !h.Driver.PTX {
		fmt.Fprintf(out, "             its compiler is missing (libnvidia-ptxjitcompiler.so.1): install the whole driver; a container wants NVIDIA_DRIVER_CAPABILITIES=compute,utility\n")
	}
}

func doctor(c *cobra.Command, _ []string) error {
	wanted, err := c.Flags().GetString("device")
	if err != nil {
		return err
	}
	if err := kernels.CheckDevice(wanted); err != nil {
		return usageError{fmt.Errorf("--device: %w", err)}
	}
	h := health{
		Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.NumCPU(), ISAForced: os.Getenv("MESETA_ISA") != "",
	}
	h.findGPUs()
	for _, isa := range cpu.Available() {
		h.ISAs = append(h.ISAs, isa.String())
	}
	dev, err := cpu.NewDevice(cpu.Config{})
	if err != nil {
		return err
	}
	defer dev.Close()
	h.ISA, h.Threads = dev.ISA().String(), dev.Threads()
	h.RunDirectory = "writable"
	unwritable := probe(runsDirectory)
	if unwritable != nil {
		h.RunDirectory = unwritable.Error()
		unwritable = fmt.Errorf("%s/ cannot be written: %w; start elsewhere, or make the directory the user's (in a container, mount a volume at /work, or a directory of user 10001)", runsDirectory, unwritable)
	}
	if wantsJSON(c) {
		err = printJSON(c, h)
	} else {
		h.print(c.OutOrStdout())
	}
	return errors.Join(err, unwritable, computes(wanted))
}

// computes says whether a device can be computed on, by doing so. On auto's there is always something that can, and a GPU that trains is left alone.
func computes(name string) error {
	if name == "auto" {
		return nil
	}
	dev, err := kernels.Open(kernels.Settings{Device: name})
	if err != nil {
		return err
	}
	if err := kernels.Check(dev); err != nil {
		_ = dev.Close() // what went wrong first counts
		return err
	}
	return dev.Close()
}

// print says it to people.
func (h *health) print(out io.Writer) {
	fmt.Fprintf(out, "meseta       %s, %s, %s\n", h.Version, h.Go, h.System)
	fmt.Fprintf(out, "processors   %d, of which meseta uses %d\n", h.Processors, h.Threads)
	forced := ""
	if h.ISAForced {
		forced = ", forced by MESETA_ISA"
	}
	fmt.Fprintf(out, "instructions %s%s (available: %v)\n", h.ISA, forced, h.ISAs)
	if h.ISA == cpu.Portable.String() {
		fmt.Fprintf(out, "             there is no assembly for this processor: training will be slow\n")
	}
	h.printGPUs(out)
	fmt.Fprintf(out, "%s/        %s\n", runsDirectory, h.RunDirectory)
}

// version is the module's version, or the commit that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return v
}

// probe says whether files can be made below dir, or in the working directory where dir is missing.
func probe(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		dir = "."
	}
	f, err := os.CreateTemp(dir, ".meseta-probe-*")
	if err != nil {
		return err
	}
	name := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	return os.Remove(name)
}
