package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
	"github.com/meseta-go/meseta/models"
	"github.com/spf13/cobra"
	"gorgonia.org/tensor"
)

func newPredict() *cobra.Command {
	c := &cobra.Command{
		Use:   "predict MODEL --input PHOTOS|X.npy [--output Y.npy]",
		Short: "Apply a model to images or samples",
		Long: `Apply a model to images: a file, or all those in a directory or archive (.tar, .tar.gz, .zip), resized to what the model takes, with the values
of training. It shows the best three classes of each, by name where the model was trained on class folders. With --output it writes all outputs to a
NumPy file (float32), in the order of the lines, or to a table (.csv). Or apply it to the samples of a NumPy file (float32, NHWC), which needs --output.`,
		Example: `  meseta predict runs/resnet20-1/mejor_modelo.h5 --input photo.jpg
  meseta predict model.keras --input photos --output y.npy --json`,
		Args: exactly("MODEL"),
		RunE: predict,
	}
	c.Flags().String("input", "", "an image, a directory or archive of images, or a NumPy file with the samples")
	c.Flags().String("output", "", "NumPy file for the outputs, or of images a .csv")
	addSkipBroken(c)
	addSteps(c)
	return c
}

// predicted is what predict prints of an image as JSON.
type predicted struct {
	File    string    `json:"file"`
	Class   int       `json:"class"` // the likeliest
	Name    string    `json:"name,omitempty"`
	Outputs []float32 `json:"outputs"`

	scores []float32 // one for each class
}

func predict(c *cobra.Command, args []string) error {
	input, err := wanted(c, "input")
	if err != nil {
		return err
	}
	output, _ := c.Flags().GetString("output")
	if output == "" && !isImages(input) {
		_, err := wanted(c, "output")
		return err
	}
	if ext := strings.ToLower(filepath.Ext(output)); slices.Contains([]string{".tsv", ".txt", ".json", ".npz", ".h5", ".hdf5"}, ext) || ext == ".csv" && !isImages(input) {
		return usageError{fmt.Errorf("--output %s: outputs are written as .npy, and those of images as .csv too", output)}
	}
	batch, on, err := steps(c)
	if err != nil {
		return err
	}
	if slices.Contains(models.Names(), args[0]) || isNetwork(args[0]) {
		fmt.Fprintf(c.ErrOrStderr(), "%s has the weights that training begins with; a file of a run has trained ones\n", args[0])
	}
	if isImages(input) {
		cfg := on.config(args[0])
		cfg.Batch = batch
		cfg.SkipBroken, _ = c.Flags().GetBool("skip-broken")
		return predictImages(c, cfg, input, output)
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
		return fmt.Errorf("%s: %w%s", input, err, sampleHint(m, x))
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

// isImages says whether an input is an image, or may hold some.
func isImages(input string) bool {
	info, err := os.Stat(input)
	return err == nil && info.IsDir() || data.IsImage(input) || data.IsArchive(input)
}

// sampleHint says how to make samples of what a NumPy file holds, where that can be guessed.
func sampleHint(m *meseta.Model, x *tensor.Dense) string {
	g, err := m.Graph()
	if err != nil {
		return ""
	}
	want, have := g.Input(), layers.Shape(x.Shape())
	switch {
	case have.Equal(want):
		return "; x[None] is one sample"
	case len(want) == 3 && len(have) == 4 && have[1:].Equal(layers.Shape{want[2], want[0], want[1]}):
		return "; x.transpose(0, 2, 3, 1) has the channels last"
	case x.Dtype() == tensor.Uint8 && !takesBytes(g):
		return "; x.astype('float32') / 255 is what training makes of bytes"
	case len(have) > 0 && have[1:].Equal(want):
		return "; want x.astype('float32')"
	}
	return ""
}

// predictImages shows what a model makes of images.
func predictImages(c *cobra.Command, cfg config, input, output string) error {
	m, err := openModel(c, cfg)
	if err != nil {
		return err
	}
	defer m.Close()
	g, err := m.Graph()
	if err != nil {
		return err
	}
	s := sourceFor(g, input, 0, cfg.SkipBroken, c.ErrOrStderr())
	options, err := s.folderOptions()
	if err != nil {
		return err
	}
	images, err := data.OpenImages(input, options)
	if err != nil {
		return err
	}
	defer images.Close()
	sayBroken(s.say, images)
	all, err := m.PredictDataset(c.Context(), s.scaled(images), cfg.Batch)
	if err != nil {
		return err
	}
	if output != "" && !isTable(output) {
		if err := data.SaveNPY(output, all); err != nil {
			return err
		}
	}
	y, width := all.Data().([]float32), g.OutputShape().Size()
	share := endsIn(g, layers.Softmax)
	list := make([]predicted, images.Len())
	for i := range list {
		list[i] = predicted{File: images.Name(i), Outputs: y[i*width : (i+1)*width], scores: y[i*width : (i+1)*width]}
		if width == 1 && endsIn(g, layers.Sigmoid) { // two classes, of which the output is the second's share
			list[i].scores, share = []float32{1 - y[i], y[i]}, true
		}
		list[i].Class = ranked(list[i].scores)[0]
		if names := m.ClassNames(); len(names) > list[i].Class {
			list[i].Name = names[list[i].Class]
		}
	}
	if isTable(output) {
		if err := writeTable(output, list, m.ClassNames()); err != nil {
			return err
		}
	}
	if wantsJSON(c) {
		return printJSON(c, map[string]any{"output": output, "shape": []int(all.Shape()), "predictions": list})
	}
	for _, p := range list {
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", p.File, best(p.scores, m.ClassNames(), share)); err != nil {
			return err
		}
	}
	return nil
}

// isTable says whether outputs shall be written as a table.
func isTable(output string) bool { return strings.ToLower(filepath.Ext(output)) == ".csv" }

// writeTable writes a line for each image: its file, the likeliest class, and all outputs under the names of their classes, or their numbers.
func writeTable(path string, list []predicted, names []string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := csv.NewWriter(f)
	for i, p := range list {
		head, line := []string{"file", "class"}, []string{p.File, className(p.Class, names)}
		for j, y := range p.Outputs {
			if head = append(head, fmt.Sprint(j)); len(names) == len(p.Outputs) {
				head[j+2] = names[j]
			}
			line = append(line, strconv.FormatFloat(float64(y), 'g', -1, 32))
		}
		if i == 0 {
			err = w.Write(head)
		}
		if err = errors.Join(err, w.Write(line)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// className is what a class is called: its name, or its number.
func className(class int, names []string) string {
	if class < len(names) {
		return names[class]
	}
	return strconv.Itoa(class)
}

// ranked gives the places of numbers, the largest first.
func ranked(numbers []float32) []int {
	places := make([]int, len(numbers))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(numbers[b], numbers[a]) })
	return places
}

// best writes the three largest outputs for people, with the names of their classes, or the only one.
func best(numbers []float32, names []string, probabilities bool) string {
	if len(numbers) == 1 {
		return fmt.Sprintf("%.4g", numbers[0])
	}
	var words []string
	for _, i := range ranked(numbers)[:min(3, len(numbers))] {
		name := fmt.Sprintf("class %d", i)
		if i < len(names) {
			name = names[i]
		}
		if probabilities {
			words = append(words, fmt.Sprintf("%s %.1f %%", name, 100*numbers[i]))
		} else {
			words = append(words, fmt.Sprintf("%s %.4g", name, numbers[i]))
		}
	}
	return strings.Join(words, ", ")
}

// wanted reads a flag that must be given.
func wanted(c *cobra.Command, name string) (string, error) {
	s, err := c.Flags().GetString(name)
	if err == nil && s == "" {
		err = usageError{fmt.Errorf("%s wants --%s", c.CommandPath(), name)}
	}
	return s, err
}
