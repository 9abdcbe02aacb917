package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine offers and what meseta would use",
		Args:  exactly(),
		RunE:  doctor,
	}
}

// health is what doctor prints as JSON.
type health struct {
	Version      string   `json:"version"`
	Go           string   `json:"go"`
	System       string   `json:"system"`
	Processors   int      `json:"processors"`
	Threads      int      `json:"threads"`
	ISA          string   `json:"isa"`
	ISAs         []string `json:"isas"`
	ISAForced    bool     `json:"isa_forced"`
	GPU          string   `json:"gpu"`
	RunDirectory string   `json:"run_directory"`
}

func doctor(c *cobra.Command, _ []string) error {
	h := health{
		Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.NumCPU(), ISAForced: os.Getenv("MESETA_ISA") != "",
		GPU: "not supported by this program",
	}
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
	if err := probe(runsDirectory); err != nil {
		h.RunDirectory = err.Error()
	}
	if wantsJSON(c) {
		return printJSON(c, h)
	}
	out := c.OutOrStdout()
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
	fmt.Fprintf(out, "GPU          %s\n", h.GPU)
	fmt.Fprintf(out, "%s/        %s\n", runsDirectory, h.RunDirectory)
	return nil
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
