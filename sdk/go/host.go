package torvyn

// How values cross the boundary between the component and the host, by the Canonical ABI. For the packages below this
// one; a component needs none of it.

import (
	"structs"
	"unsafe"
)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]buffer.size
func bufferSize(self int32) int64

//go:wasmimport torvyn:streaming/types@0.1.0 [method]buffer.read
func bufferRead(self int32, offset, length int64, out *pair)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]buffer.read-all
func bufferReadAll(self int32, out *pair)

//go:wasmimport torvyn:streaming/types@0.1.0 [resource-drop]buffer
func dropBuffer(self int32)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]mutable-buffer.append
func mutableBufferAppend(self int32, bytes unsafe.Pointer, length int32, out *result)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]mutable-buffer.set-content-type
func mutableBufferSetContentType(self int32, text unsafe.Pointer, length int32)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]mutable-buffer.freeze
func mutableBufferFreeze(self int32) int32

//go:wasmimport torvyn:streaming/types@0.1.0 [resource-drop]mutable-buffer
func dropMutableBuffer(self int32)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]flow-context.trace-id
func contextTraceID(self int32, out *pair)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]flow-context.span-id
func contextSpanID(self int32, out *pair)

//go:wasmimport torvyn:streaming/types@0.1.0 [method]flow-context.deadline-ns
func contextDeadlineNs(self int32) int64

//go:wasmimport torvyn:streaming/types@0.1.0 [method]flow-context.flow-id
func contextFlowID(self int32, out *pair)

//go:wasmimport torvyn:streaming/types@0.1.0 [resource-drop]flow-context
func dropContext(self int32)

//go:wasmimport torvyn:streaming/buffer-allocator@0.1.0 allocate
func allocate(capacity int64, out *result)

//go:wasmimport torvyn:streaming/buffer-allocator@0.1.0 clone-into-mutable
func cloneIntoMutable(source int32, out *result)

// adapterMemory is for the adapter between WASI 0.1 and 0.2, which needs memory before Go's runtime has started. torvyn
// build finds it by its first bytes and adds the function that gives parts of it away.
var adapterMemory = [196608]byte{'t', 'o', 'r', 'v', 'y', 'n', ':', ' ', 'f', 'o', 'r', ' ', 't', 'h', 'e', ' ', 'a',
	'd', 'a', 'p', 't', 'e', 'r', '\n'}

// allocated is what the host was given to write into: only the host knows of it until the call is over.
var allocated [][]uint64

//go:wasmexport cabi_realloc
func reallocate(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if adapterMemory[0] == 0 { // keeps it in the module
		panic("the adapter's memory was overwritten")
	}
	words := make([]uint64, (uint64(size)+7)/8+1)
	if old != nil {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), size), unsafe.Slice((*byte)(old), oldSize))
	}
	allocated = append(allocated, words)
	return unsafe.Pointer(&words[0])
}

// returned is what the last function returned: the host reads it after the return.
var returned []any

func keep(value any) { returned = append(returned, value) }

// Begin starts a call that came in.
func Begin() { returned = nil }

// End ends it. What the host wrote stays alive where the component refers to it.
func End() { allocated = nil }

// pair is a list or a string. The host's addresses have 32 bits, Go's have 64.
type pair struct {
	_      structs.HostLayout
	data   uint32
	length uint32
}

func (p *pair) bytes() []byte {
	if p.length == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(p.data))), p.length)
}

// result is result<own<mutable-buffer>, buffer-error> or result<_, buffer-error>.
type result struct {
	_      structs.HostLayout
	failed uint32 // the first byte counts
	value  uint32 // or the error's case in the first byte
	text   pair
}

func (r *result) bufferError() error {
	if r.failed&0xff == 0 {
		return nil
	}
	switch r.value & 0xff {
	case 0:
		return Internal("capacity-exceeded")
	case 1:
		return Internal("out-of-bounds")
	}
	return Unavailable(string(r.text.bytes()))
}

// Incoming is the element of a call.
func Incoming(sequence, timestampNs int64, contentType unsafe.Pointer, length, payload, context int32) *Element {
	return &Element{
		Sequence:    uint64(sequence),
		TimestampNs: uint64(timestampNs),
		ContentType: string(unsafe.Slice((*byte)(contentType), length)),
		payload:     payload,
		context:     context,
	}
}

// Release gives back what the call was lent.
func (e *Element) Release() {
	dropBuffer(e.payload)
	dropContext(e.context)
}

// Area is where a function's result lies. The largest is result<process-result, process-error>.
type Area struct{ words [6]uint64 }

// Start empties it.
func (a *Area) Start() *Area {
	a.words = [6]uint64{}
	return a
}

func (a *Area) Pointer() unsafe.Pointer { return unsafe.Pointer(a) }

func (a *Area) PutByte(offset uintptr, value byte) { *(*byte)(unsafe.Add(a.Pointer(), offset)) = value }

// PutOutput writes an output-element.
func (a *Area) PutOutput(offset uintptr, output *Output) {
	putOutput(unsafe.Add(a.Pointer(), offset), output)
}

// PutOutputs writes a list of them.
func (a *Area) PutOutputs(offset uintptr, outputs []*Output) {
	words := make([]uint64, len(outputs)*outputWords)
	for i, output := range outputs {
		putOutput(unsafe.Pointer(&words[i*outputWords]), output)
	}
	keep(words)
	putPair(unsafe.Add(a.Pointer(), offset), unsafe.Pointer(unsafe.SliceData(words)), len(outputs))
}

// PutTexts writes a list of strings.
func (a *Area) PutTexts(offset uintptr, texts []string) {
	words := make([]uint64, len(texts))
	for i, text := range texts {
		putText(unsafe.Pointer(&words[i]), text)
	}
	keep(words)
	putPair(unsafe.Add(a.Pointer(), offset), unsafe.Pointer(unsafe.SliceData(words)), len(texts))
}

// Fail writes the error side of a result whose payload lies at an offset.
func (a *Area) Fail(offset uintptr, err error) unsafe.Pointer {
	known, ok := err.(*Error)
	if !ok {
		known = &Error{KindInternal, err.Error()}
	}
	a.PutByte(0, 1)
	a.PutByte(offset, byte(known.Kind))
	if known.Kind != KindDeadlineExceeded {
		putText(unsafe.Add(a.Pointer(), offset+4), known.Message)
	}
	return a.Pointer()
}

const outputWords = 4 // sequence, timestamp, content type, buffer

func putOutput(at unsafe.Pointer, output *Output) {
	*(*uint64)(at) = output.Sequence
	*(*uint64)(unsafe.Add(at, 8)) = output.TimestampNs
	putText(unsafe.Add(at, 16), output.ContentType)
	*(*int32)(unsafe.Add(at, 24)) = output.buffer
}

func putText(at unsafe.Pointer, text string) {
	keep(text)
	putPair(at, unsafe.Pointer(unsafe.StringData(text)), len(text))
}

// putPair writes numbers: at an address that the garbage collector does not look at, so `keep` must know what they are.
func putPair(at unsafe.Pointer, data unsafe.Pointer, length int) {
	*(*uint32)(at) = uint32(uintptr(data))
	*(*uint32)(unsafe.Add(at, 4)) = uint32(length)
}
