package main

import (
	"fmt"

	"github.com/meseta-go/meseta/data"
	"github.com/spf13/cobra"
)

func newPredict() *cobra.Command {
	c := &cobra.Command{
		Use:   "predict MODEL --input X.npy --output Y.npy",
		Short: "Apply a model to samples",
		Long:  "Apply a model to the samples of a NumPy file (float32, NHWC) and write its outputs as another (float32).",
		Args:  exactly("MODEL"),
		RunE:  predict,
	}
	c.Flags().String("input", "", "NumPy file with the samples")
	c.Flags().String("output", "", "NumPy file for the outputs")
	addSteps(c)
	return c
}

func predict(c *cobra.Command, args []string) error {
	input, err := wanted(c, "input")
	if err != nil {
		return err
	}
	output, err := wanted(c, "output")
	if err != nil {
		return err
	}
	batch, on, err := steps(c)
	if err != nil {
		return err
	}
	x, err := data.LoadNPY(input)
	if err != nil {
		return err
	}
	m, err := openModel(c, on.config(args[0]))
	if err != nil {
		return err
	}
	defer m.Close()
	y, err := m.Predict(c.Context(), x, batch)
	if err != nil {
		return fmt.Errorf("%s: %w", input, err)
	}
	if err := data.SaveNPY(output, y); err != nil {
		return err
	}
	if wantsJSON(c) {
		return printJSON(c, map[string]any{"output": output, "shape": []int(y.Shape())})
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %v\n", output, y.Shape())
	return err
}

// wanted reads a flag that must be given.
func wanted(c *cobra.Command, name string) (string, error) {
	s, err := c.Flags().GetString(name)
	if err == nil && s == "" {
		err = usageError{fmt.Errorf("%s wants --%s", c.CommandPath(), name)}
	}
	return s, err
}
