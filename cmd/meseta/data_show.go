package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/meseta-go/meseta/data"
	"github.com/spf13/cobra"
)

func newData() *cobra.Command {
	c := &cobra.Command{
		Use:   "data SOURCE",
		Short: "Show what a data set holds: counts, sizes, broken files, and a contact sheet",
		Long: `Show what a data set holds. SOURCE is what train takes as --data: mnist, ` + dataKinds + `.

Of class folders every image is decoded; it shows how many each class has, sizes, formats, and which files cannot be read, and fails where there are
such files. --sheet draws some samples of each class as a PNG; with --augment what augmentations make of them.`,
		Args: exactly("SOURCE"),
		RunE: showData,
	}
	addSheet(c)
	return c
}

// dataInfo is what data prints of a part of a data set as JSON.
type dataInfo struct {
	Path    string            `json:"path"`
	Images  int               `json:"images"`
	Shape   []int             `json:"shape,omitempty"` // of samples that all have one
	Classes []data.ClassCount `json:"classes"`
	Sizes   []data.SizeCount  `json:"sizes"`
	Formats map[string]int    `json:"formats"`
	Broken  []brokenInfo      `json:"broken"`
	Ignored int               `json:"ignored"`
}

type brokenInfo struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

func showData(c *cobra.Command, args []string) error {
	from := args[0]
	wanted, err := wantsSheet(c)
	if err != nil {
		return err
	}
	var list []dataInfo
	var train data.Dataset
	if otherData(from) {
		list, train, err = inspectSets(from)
	} else if list, err = inspectFolders(from); err == nil && wanted.file != "" {
		train, err = wanted.folder(from, list[0].Sizes)
	}
	if err != nil {
		return err
	}
	if wantsJSON(c) {
		err = printJSON(c, map[string]any{"parts": list})
	} else {
		for _, info := range list {
			err = info.print(c.OutOrStdout())
		}
	}
	if err == nil && wanted.file != "" {
		if err = wanted.draw(train, list[0].Path); err == nil {
			fmt.Fprintf(c.ErrOrStderr(), "drawn: %s\n", wanted.file)
		}
	}
	broken := 0
	for _, info := range list {
		broken += len(info.Broken)
	}
	if err == nil && broken > 0 {
		err = fmt.Errorf("%s: %d images cannot be read; remove them, or train with --skip-broken", from, broken)
	}
	return err
}

// otherData says whether a source is something else than class folders.
func otherData(from string) bool {
	return from == "mnist" || isArrays(from) || exists(from, "data_batch_1.bin") || exists(from, "train.bin") ||
		exists(from, "train-images-idx3-ubyte") || exists(from, "train-images-idx3-ubyte.gz")
}

// inspectFolders reports on class folders.
func inspectFolders(from string) ([]dataInfo, error) {
	reports, err := data.InspectFolder(from, data.FolderOptions{})
	if err != nil {
		return nil, err
	}
	list, found := []dataInfo{}, 0
	for _, r := range reports {
		found += r.Images + len(r.Broken)
		info := dataInfo{
			Path: r.Path, Images: r.Images, Classes: r.Classes, Sizes: append([]data.SizeCount{}, r.Sizes...), Formats: r.Formats,
			Broken: []brokenInfo{}, Ignored: r.Ignored,
		}
		for _, b := range r.Broken {
			info.Broken = append(info.Broken, brokenInfo{b.Name, b.Err.Error()})
		}
		list = append(list, info)
	}
	if found == 0 {
		return nil, fmt.Errorf("%s: there are no images in class folders", from)
	}
	return list, nil
}

// inspectSets reports on data whose samples all have one shape, and gives its training part.
func inspectSets(from string) (list []dataInfo, train data.Dataset, err error) {
	sets, err := source{from: from}.open()
	if err != nil {
		return nil, nil, err
	}
	for i, ds := range []data.Dataset{sets.train, sets.test} {
		if ds == nil {
			continue
		}
		shape := ds.Shape()
		info := dataInfo{
			Path: from + ": " + []string{"train", "test"}[i], Images: ds.Len(), Shape: shape, Classes: make([]data.ClassCount, ds.Classes()),
			Sizes: []data.SizeCount{}, Formats: map[string]int{}, Broken: []brokenInfo{},
		}
		if len(shape) == 3 {
			info.Sizes = append(info.Sizes, data.SizeCount{Width: shape[1], Height: shape[0], Images: ds.Len()})
		}
		if ds.Classes() > 0 {
			labels, _, err := data.Labels(ds)
			if err != nil {
				return nil, nil, err
			}
			for class := range info.Classes {
				info.Classes[class].Name = strconv.Itoa(class)
			}
			for _, label := range labels {
				info.Classes[label].Images++
			}
		}
		list = append(list, info)
	}
	return list, sets.train, nil
}

// print writes for people.
func (f dataInfo) print(w io.Writer) error {
	samples := "images"
	if len(f.Shape) > 0 {
		samples = fmt.Sprintf("samples of %v", f.Shape)
	}
	fmt.Fprintf(w, "%s: %d %s in %d classes\n", f.Path, f.Images, samples, len(f.Classes))
	for _, class := range f.Classes {
		note := ""
		if class.Images == 0 {
			note = "  (empty)"
		}
		if class.Broken > 0 {
			note += fmt.Sprintf("  (%d more cannot be read)", class.Broken)
		}
		fmt.Fprintf(w, "%8d  %s%s\n", class.Images, class.Name, note)
	}
	if len(f.Shape) > 0 {
		_, err := fmt.Fprintln(w)
		return err
	}
	fmt.Fprintln(w, "width x height")
	const most = 10
	for _, s := range f.Sizes[:min(most, len(f.Sizes))] {
		fmt.Fprintf(w, "%8d  %dx%d\n", s.Images, s.Width, s.Height)
	}
	if len(f.Sizes) > most {
		fmt.Fprintf(w, "          and %d more sizes\n", len(f.Sizes)-most)
	}
	fmt.Fprintln(w, "format")
	for _, name := range slices.Sorted(maps.Keys(f.Formats)) {
		fmt.Fprintf(w, "%8d  %s\n", f.Formats[name], name)
	}
	if f.Ignored > 0 {
		fmt.Fprintf(w, "%d other files are ignored\n", f.Ignored)
	}
	for _, b := range f.Broken {
		fmt.Fprintf(w, "cannot be read: %s: %s\n", b.Name, b.Error)
	}
	_, err := fmt.Fprintln(w)
	return err
}
