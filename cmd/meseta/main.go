// Command meseta trains convolutional networks, measures them, applies them, and looks after their files.
//
// There is no mathematics here: flags and a configuration file become calls of package meseta. Results go to standard output,
// as JSON with --json; progress and messages go to standard error. It exits with 0 when all went well, 1 when something failed, 2 for
// wrong usage, and 128 plus the signal's number after SIGINT or SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/meseta-go/meseta/kernels"
	"github.com/spf13/cobra"
)

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// signalled ends a command that a signal stopped.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return fmt.Sprintf("stopped by %v", s.Signal) }

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

// execute runs the command and gives its exit code.
func execute(args []string, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		if s, ok := <-signals; ok {
			fmt.Fprintf(stderr, "\nmeseta: %v, ending after the current step; once more ends at once\n", s)
			cancel(signalled{s})
			if s, ok := <-signals; ok {
				os.Exit(exitCode(signalled{s}))
			}
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var stopped signalled
	if cause := context.Cause(ctx); errors.As(cause, &stopped) {
		if errors.Is(err, context.Canceled) {
			err = stopped
		} else {
			err = fmt.Errorf("%w (%w)", err, stopped)
		}
	}
	fmt.Fprintf(stderr, "meseta: %s\n", strings.TrimPrefix(err.Error(), "meseta: "))
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", c.CommandPath())
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var stopped signalled
	var usage usageError
	switch {
	case errors.As(err, &stopped):
		if n, ok := stopped.Signal.(syscall.Signal); ok {
			return 128 + int(n)
		}
		return 1
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "meseta",
		Short:         "Train convolutional networks",
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          oneBelow,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().Bool("json", false, "print results as JSON, on standard output")
	root.AddCommand(newTrain(), newEval(), newPredict(), newInspect(), newVerify(), newData(), newBench(), newDoctor())
	return root
}

// exactly wants these arguments and no others.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError{fmt.Errorf("%s wants %s", c.CommandPath(), strings.Join(names[len(args):], " and "))}
		case len(args) > len(names):
			return usageError{fmt.Errorf("%s does not take %q; all else is said with flags", strings.Join(append([]string{c.CommandPath()}, names...), " "), args[len(names)])}
		}
		return nil
	}
}

// wantsJSON says whether --json was given.
func wantsJSON(c *cobra.Command) bool {
	v, err := c.Flags().GetBool("json")
	return err == nil && v
}

// printJSON prints one line of JSON on standard output.
func printJSON(c *cobra.Command, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", line)
	return err
}

// addDevice adds the flags that say what to compute on.
func addDevice(c *cobra.Command) {
	c.Flags().Int("threads", 0, "workers; 0 means all processors")
	c.Flags().String("device", "auto", "cpu, cuda (an NVIDIA GPU) or cuda:N; auto takes a GPU where one can be used")
	c.Flags().Bool("exact", false, "leave out Winograd's convolution, which is faster and rounds more than sums in plain order")
}

// addSkipBroken adds the flag of commands that read images.
func addSkipBroken(c *cobra.Command) {
	c.Flags().Bool("skip-broken", false, "leave out images that cannot be read")
}

// addSteps adds the flags of commands that compute in batches.
func addSteps(c *cobra.Command) {
	c.Flags().Int("batch", 128, "samples in a step")
	addDevice(c)
}

// steps reads the flags of addSteps.
func steps(c *cobra.Command) (batch int, on machine, err error) {
	batch, err = c.Flags().GetInt("batch")
	if err == nil && batch < 1 {
		err = usageError{fmt.Errorf("--batch %d: want 1 or more", batch)}
	}
	if err == nil {
		on, err = device(c)
	}
	return batch, on, err
}

// machine is what to compute on, and how.
type machine struct {
	device  string
	threads int
	exact   bool
}

// config is that of a model to compute there.
func (on machine) config(model string) config {
	return config{Model: model, Device: on.device, Threads: on.threads, Exact: on.exact}
}

// device reads the flags of addDevice.
func device(c *cobra.Command) (on machine, err error) {
	if on.threads, err = c.Flags().GetInt("threads"); err != nil {
		return on, err
	}
	if on.exact, err = c.Flags().GetBool("exact"); err != nil {
		return on, err
	}
	if on.device, err = c.Flags().GetString("device"); err != nil {
		return on, err
	}
	if on.threads < 0 {
		return on, usageError{fmt.Errorf("--threads %d: want 1 or more, or 0 for all processors", on.threads)}
	}
	if err := kernels.CheckDevice(on.device); err != nil {
		return on, usageError{fmt.Errorf("--device: %w", err)}
	}
	return on, nil
}

// sayDevice tells when a program that can use GPUs computes on the CPU without having been told to.
func sayDevice(c *cobra.Command, name string) {
	if name != "auto" && name != "" {
		return
	}
	if err := kernels.Fallback(); err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "computing on the CPU: %s\n", reason(err))
	}
}

// reason is why a GPU is not used, without the name of the package that found out.
func reason(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "gpu: "), "kernels: ")
}

// programStart is when the program began, for systems that do not say when they started the process.
var programStart = time.Now()
