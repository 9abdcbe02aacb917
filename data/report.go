package data

import (
	"cmp"
	"errors"
	"path"
	"slices"
)

// FolderReport says what one folder of class folders holds.
type FolderReport struct {
	Path    string         // of the folder, or of the archive and within it
	Classes []ClassCount   // in the order of their labels
	Images  int            // that can be read
	Sizes   []SizeCount    // the most frequent first
	Formats map[string]int // images by what they are: jpeg, png, gif, bmp, webp
	Broken  []BrokenImage  // that cannot be read
	Ignored int            // files that are no images by their suffix, in the whole folder or archive, or lie in no class
}

// ClassCount is how many images of a class can be read, and cannot.
type ClassCount struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
	Broken int    `json:"broken"`
}

// SizeCount is how many images have a size.
type SizeCount struct {
	Width  int `json:"width"`
	Height int `json:"height"`
	Images int `json:"images"`
}

// InspectFolder decodes every image of what OpenFolders would open and reports on each part: train and test, or only one.
// Of the options, MaxPixels and PackedBytes count.
//
// Broken images are part of the report; an error says that the folder or archive itself cannot be read.
func InspectFolder(name string, options FolderOptions) (reports []FolderReport, err error) {
	if options, err = options.complete(); err != nil {
		return nil, err
	}
	c, err := openContainer(name, options.PackedBytes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	for _, part := range c.parts() {
		report, err := c.inspect(part, options)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (c *container) inspect(part string, options FolderOptions) (r FolderReport, err error) {
	names, files, ignored, err := c.index(part, nil)
	if err != nil {
		return r, err
	}
	headers := make([]imageHeader, len(files))
	problems := parallel(len(files), func(i int) error {
		file, err := c.read(files[i].member, nil)
		if err == nil {
			_, headers[i], err = decodeImage(file, options.MaxPixels)
		}
		return err
	})
	r = FolderReport{Path: path.Join(c.path, part), Classes: make([]ClassCount, len(names)), Formats: map[string]int{}, Ignored: c.ignored + ignored}
	for i, name := range names {
		r.Classes[i].Name = name
	}
	sizes := map[SizeCount]int{}
	for i, problem := range problems {
		class := &r.Classes[files[i].label]
		if problem != nil {
			class.Broken++
			r.Broken = append(r.Broken, BrokenImage{Name: files[i].name, Err: problem})
			continue
		}
		class.Images++
		r.Images++
		r.Formats[headers[i].codec.name]++
		sizes[SizeCount{Width: headers[i].width, Height: headers[i].height}]++
	}
	for size, n := range sizes {
		size.Images = n
		r.Sizes = append(r.Sizes, size)
	}
	slices.SortFunc(r.Sizes, func(a, b SizeCount) int {
		return cmp.Or(b.Images-a.Images, a.Width-b.Width, a.Height-b.Height)
	})
	return r, nil
}
