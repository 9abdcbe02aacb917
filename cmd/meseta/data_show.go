package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/meseta-go/meseta/data"
	"github.com/spf13/cobra"
)

func newData() *cobra.Command {
	return &cobra.Command{
		Use:   "data FOLDER",
		Short: "Show what class folders of images hold",
		Long: `Decode every image of a directory or archive (.tar, .tar.gz, .zip) of class folders, or of train/ and test/ with such, and show
how many each class has, sizes, formats, and which files cannot be read. It fails where there are such files.`,
		Args: exactly("FOLDER"),
		RunE: showData,
	}
}

// folderInfo is what data prints of a folder of class folders as JSON.
type folderInfo struct {
	Path    string            `json:"path"`
	Images  int               `json:"images"`
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
	reports, err := data.InspectFolder(args[0], data.FolderOptions{})
	if err != nil {
		return err
	}
	found, broken := 0, 0
	list := []folderInfo{}
	for _, r := range reports {
		found, broken = found+r.Images, broken+len(r.Broken)
		info := folderInfo{
			Path: r.Path, Images: r.Images, Classes: r.Classes, Sizes: append([]data.SizeCount{}, r.Sizes...), Formats: r.Formats,
			Broken: []brokenInfo{}, Ignored: r.Ignored,
		}
		for _, b := range r.Broken {
			info.Broken = append(info.Broken, brokenInfo{b.Name, b.Err.Error()})
		}
		list = append(list, info)
	}
	if found+broken == 0 {
		return fmt.Errorf("%s: there are no images in class folders", args[0])
	}
	if wantsJSON(c) {
		err = printJSON(c, map[string]any{"parts": list})
	} else {
		for _, info := range list {
			err = info.print(c.OutOrStdout())
		}
	}
	if err == nil && broken > 0 {
		err = fmt.Errorf("%s: %d images cannot be read; remove them, or train with --skip-broken", args[0], broken)
	}
	return err
}

// print writes for people.
func (f folderInfo) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d images in %d classes\n", f.Path, f.Images, len(f.Classes))
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
