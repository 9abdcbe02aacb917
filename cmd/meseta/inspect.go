package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/plan"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newInspect() *cobra.Command {
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show a model's layers, draw them, or show the steps it is compiled to",
		Long: `Show a model's layers as Keras's summary does, as wide as the terminal or as COLUMNS says; draw them with --svg; or show, with --plan, the steps
that a model is compiled to.`,
		Args: exactly("MODEL"),
		RunE: inspect,
	}
	c.Flags().String("svg", "", "file for a drawing of the layers")
	c.Flags().Bool("plan", false, "show the compiled program")
	c.Flags().Bool("profile", false, "with --plan: run it and show where its time goes")
	c.Flags().String("mode", "training", "with --plan: training, evaluation or inference")
	addSteps(c)
	return c
}

// layerInfo is what inspect prints of a layer as JSON.
type layerInfo struct {
	Name       string       `json:"name"`
	Class      string       `json:"class"`
	Output     layers.Shape `json:"output_shape"`
	Parameters int          `json:"parameters"`
	Inputs     []string     `json:"inputs"`
}

func inspect(c *cobra.Command, args []string) error {
	if showPlan, err := c.Flags().GetBool("plan"); err != nil || showPlan {
		if err != nil {
			return err
		}
		return inspectPlan(c, args[0])
	}
	m, _, err := findModel(args[0], models.Options{})
	if err != nil {
		return err
	}
	g, err := m.Graph()
	if err != nil {
		return err
	}
	drawing, err := c.Flags().GetString("svg")
	if err != nil {
		return err
	}
	if drawing != "" {
		if err := meseta.Describe(g).WriteFile(drawing); err != nil {
			return err
		}
	}
	if !wantsJSON(c) {
		_, err := fmt.Fprint(c.OutOrStdout(), meseta.Summary(g, columns(c.OutOrStdout())))
		return err
	}
	list := []layerInfo{}
	for _, l := range g.Layers {
		info := layerInfo{Name: l.Name, Class: l.ClassName(), Output: l.Output, Inputs: []string{}}
		for _, w := range l.Weights {
			info.Parameters += w.Shape.Size()
		}
		for _, i := range l.Inputs {
			info.Inputs = append(info.Inputs, g.Layers[i].Name)
		}
		list = append(list, info)
	}
	trainable, other := g.Parameters()
	return printJSON(c, map[string]any{"name": g.Name, "layers": list, "trainable": trainable, "non_trainable": other})
}

// columns is how wide a terminal is, as Python's shutil.get_terminal_size finds it: what COLUMNS says, else the terminal's own width, else 80.
func columns(out io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if file, ok := out.(*os.File); ok {
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

func inspectPlan(c *cobra.Command, name string) error {
	word, err := c.Flags().GetString("mode")
	if err != nil {
		return err
	}
	mode, err := parseMode(word)
	if err != nil {
		return err
	}
	batch, on, err := steps(c)
	if err != nil {
		return err
	}
	m, err := openModel(c, on.config(name))
	if err != nil {
		return err
	}
	defer m.Close()
	p, err := m.Plan(mode, batch)
	if err != nil {
		return err
	}
	if measured, err := c.Flags().GetBool("profile"); err != nil || measured {
		if err != nil {
			return err
		}
		return profile(c, m, p)
	}
	if wantsJSON(c) {
		return printJSON(c, map[string]any{"program": p.String(), "flops": p.FLOPs(), "arena_bytes": p.ArenaBytes()})
	}
	_, err = fmt.Fprint(c.OutOrStdout(), p.String())
	return err
}

// parseMode finds a mode by its name, or by the one that the bench contract has for it.
func parseMode(word string) (plan.Mode, error) {
	switch word {
	case "training", "train":
		return plan.Training, nil
	case "evaluation", "eval":
		return plan.Evaluation, nil
	case "inference", "infer":
		return plan.Inference, nil
	}
	return 0, usageError{fmt.Errorf("--mode %s: want training, evaluation or inference", word)}
}
