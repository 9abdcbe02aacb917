package main

import (
	"fmt"
	"image/png"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/augment"
	"github.com/meseta-go/meseta/data/sheet"
)

// usualSide is the side in pixels that images of several sizes are shown with.
const usualSide = 96

func addSheet(c *cobra.Command) {
	f := c.Flags()
	f.String("sheet", "", "PNG file for a contact sheet: some samples of each class")
	f.String("augment", "", "YAML file with an augmentation list (augment: of a configuration), shown beside one sample of each class")
	f.Int("samples", 0, "samples of each class on the sheet (8, or 1 with --augment)")
	f.String("size", "", "height and width to resize images of class folders to, as the model will get them, such as 224x224 (their own, where they all have one)")
	f.Uint64("seed", defaultConfig().Seed, "seed of the augmentations")
}

// sheetWanted is a sheet that the flags ask for.
type sheetWanted struct {
	file    string
	size    [2]int
	options sheet.Options
}

// wantsSheet reads the flags; the file's name is empty where no sheet is asked for.
func wantsSheet(c *cobra.Command) (w sheetWanted, err error) {
	f := c.Flags()
	w.file, _ = f.GetString("sheet")
	w.options.Samples, _ = f.GetInt("samples")
	w.options.Seed, _ = f.GetUint64("seed")
	if w.options.Samples < 0 {
		return w, usageError{fmt.Errorf("--samples %d: want 1 or more", w.options.Samples)}
	}
	size, _ := f.GetString("size")
	if size != "" {
		h, width, ok := strings.Cut(size, "x")
		a, errA := strconv.Atoi(h)
		b, errB := strconv.Atoi(width)
		if !ok || errA != nil || errB != nil || a < 1 || b < 1 {
			return w, usageError{fmt.Errorf("--size %s: want height and width, such as 224x224", size)}
		}
		w.size = [2]int{a, b}
	}
	file, _ := f.GetString("augment")
	if file != "" {
		if w.options.Augment, err = readAugment(file); err != nil {
			return w, err
		}
	}
	if w.file == "" && (file != "" || size != "" || f.Changed("samples")) {
		return w, usageError{fmt.Errorf("--augment, --size and --samples are for a contact sheet; name its file with --sheet")}
	}
	return w, nil
}

// readAugment reads an augmentation list: a file that is one, or a configuration that has one.
func readAugment(file string) (augment.List, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var whole any
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var list augment.List
	if _, configuration := whole.(map[string]any); configuration {
		var c struct {
			Augment augment.List `yaml:"augment"`
		}
		err = yaml.Unmarshal(text, &c)
		list = c.Augment
	} else {
		list, err = augment.Decode(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: it has no augmentations; want a list of them, by itself or under augment", file)
	}
	return list, nil
}

// folder opens class folders for a sheet, without what cannot be read.
func (w sheetWanted) folder(from string, sizes []data.SizeCount) (train data.Dataset, err error) {
	o := data.FolderOptions{Size: w.size, SkipBroken: true}
	if o.Size == [2]int{} && len(sizes) > 1 {
		o.Size = [2]int{usualSide, usualSide}
	}
	train, _, err = data.OpenFolders(from, o)
	return train, err
}

// draw writes the sheet.
func (w sheetWanted) draw(ds data.Dataset, title string) error {
	w.options.Title = title
	picture, err := sheet.Draw(ds, w.options)
	if err != nil {
		return err
	}
	file, err := os.Create(w.file)
	if err != nil {
		return err
	}
	if err := png.Encode(file, picture); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
