package checkpoint

import "github.com/meseta-go/meseta/layers"

var mergeLayers = map[string]codec{
	"Add": of(func(_ *config, name string) *layers.Add {
		return &layers.Add{Name: name}
	}, func(*layers.Add, map[string]any) {}).withList(),
	"Concatenate": of(func(_ *config, name string) *layers.Concatenate {
		return &layers.Concatenate{Name: name}
	}, func(*layers.Concatenate, map[string]any) {}).withList().withLastAxis(),
}
