//go:build race

package manifest

const slowness = 20 // the race detector watches every access
