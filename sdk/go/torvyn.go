// Package torvyn makes components in Go. A component imports the package of its role (source, processor, sink, filter,
// router, aggregator; lifecycle beside it) and sets that package's functions in init.
package torvyn

import "unsafe"

// Kind of an error: it decides what the runtime does next.
type Kind uint8

const (
	KindInvalidInput Kind = iota // the element is malformed: the flow's error policy applies
	KindUnavailable              // what the component needs is not there now; a retry may help
	KindInternal                 // a fault in the component; also every error that is none of these
	KindDeadlineExceeded
	KindFatal // the component can never process another element: ends the flow
)

// Error is an error with a kind.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return e.Message }

func InvalidInput(message string) error     { return &Error{KindInvalidInput, message} }
func Unavailable(message string) error      { return &Error{KindUnavailable, message} }
func Internal(message string) error         { return &Error{KindInternal, message} }
func DeadlineExceeded(message string) error { return &Error{KindDeadlineExceeded, message} }
func Fatal(message string) error            { return &Error{KindFatal, message} }

// Element is one that came in; valid until the function that got it returns.
type Element struct {
	Sequence    uint64
	TimestampNs uint64
	ContentType string // empty: as the buffer says
	payload     int32
	context     int32
}

// Size is the payload's length. Copies nothing.
func (e *Element) Size() uint64 { return uint64(bufferSize(e.payload)) }

// Read copies the payload out of the host.
func (e *Element) Read() []byte {
	var list pair
	bufferReadAll(e.payload, &list)
	return list.bytes()
}

// ReadAt copies a part of the payload; what lies beyond its end is left out.
func (e *Element) ReadAt(offset, length uint64) []byte {
	var list pair
	bufferRead(e.payload, int64(offset), int64(length), &list)
	return list.bytes()
}

// TraceID is empty when tracing is off, as is SpanID.
func (e *Element) TraceID() string {
	var text pair
	contextTraceID(e.context, &text)
	return string(text.bytes())
}

func (e *Element) SpanID() string {
	var text pair
	contextSpanID(e.context, &text)
	return string(text.bytes())
}

func (e *Element) FlowID() string {
	var text pair
	contextFlowID(e.context, &text)
	return string(text.bytes())
}

// DeadlineNs is what remains until the deadline; 0 without one.
func (e *Element) DeadlineNs() uint64 { return uint64(contextDeadlineNs(e.context)) }

// Output is an element to be returned. What is not returned must be dropped.
type Output struct {
	Sequence    uint64 // these two are proposals: the runtime may replace them
	TimestampNs uint64
	ContentType string // empty: as the buffer says
	buffer      int32
}

// NewOutput makes an element; the payload is copied into the host.
func NewOutput(payload []byte, contentType string) (*Output, error) {
	var made, appended result
	allocate(int64(len(payload)), &made)
	if err := made.bufferError(); err != nil {
		return nil, err
	}
	buffer := int32(made.value)
	defer dropMutableBuffer(buffer)
	mutableBufferAppend(buffer, unsafe.Pointer(unsafe.SliceData(payload)), int32(len(payload)), &appended)
	if err := appended.bufferError(); err != nil {
		return nil, err
	}
	if contentType != "" {
		mutableBufferSetContentType(buffer, unsafe.Pointer(unsafe.StringData(contentType)), int32(len(contentType)))
	}
	return &Output{buffer: mutableBufferFreeze(buffer)}, nil
}

// PassOn makes an element with the payload of one that came in, which the host copies. A component that only passes
// elements on is better written as a filter.
func PassOn(e *Element) (*Output, error) {
	var made result
	cloneIntoMutable(e.payload, &made)
	if err := made.bufferError(); err != nil {
		return nil, err
	}
	buffer := int32(made.value)
	defer dropMutableBuffer(buffer)
	return &Output{ContentType: e.ContentType, buffer: mutableBufferFreeze(buffer)}, nil
}

// Drop gives back an element that is not returned.
func (o *Output) Drop() { dropBuffer(o.buffer) }
