// Package tracing sends OpenTelemetry traces of what the program does: requests that
// it answers, jobs that it works, calls that it makes to GitLab.
//
// What always holds: nothing is sent unless it is opened, and then to where the
// OTEL_ variables say; spans carry methods, routes, kinds and results, never an
// address with its path, a header, a body or a text of a finding; tracing that
// fails is logged and stops nothing.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing is where spans go. A nil one takes none.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Open sends spans by OTLP over HTTP: OTEL_EXPORTER_OTLP_ENDPOINT says where
// (http://localhost:4318 by default), OTEL_SERVICE_NAME as whom ("cxm"),
// OTEL_TRACES_SAMPLER which. It connects to nobody yet.
func Open(ctx context.Context, version string, log *slog.Logger) (*Tracing, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing traces: %w: see the OTEL_EXPORTER_OTLP_ variables, or switch traces off", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("traces could not be sent", "error", err)
	}))
	return newTracing(ctx, version, sdk.WithBatcher(exporter))
}

func newTracing(ctx context.Context, version string, to sdk.TracerProviderOption) (*Tracing, error) {
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "cxm"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv(),
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("preparing traces: %w: see OTEL_RESOURCE_ATTRIBUTES", err)
	}
	p := sdk.NewTracerProvider(to, sdk.WithResource(about))
	return &Tracing{provider: p, tracer: p.Tracer("cxm")}, nil
}

// Tracer begins spans; nil of a nil Tracing.
func (t *Tracing) Tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.tracer
}

// Close sends what is left, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}

// Called is the span of a call to GitLab that is over.
func (t *Tracing) Called(ctx context.Context, method, route string, status int, took time.Duration) {
	if t == nil || ctx == nil {
		return
	}
	end := time.Now()
	_, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(end.Add(-took)), trace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("url.template", route), attribute.Int("http.response.status_code", status),
	))
	if status == 0 || status >= 400 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(end))
}

// Jobs is a middleware of River that makes a span of every job; nil of a nil
// Tracing.
func (t *Tracing) Jobs() []rivertype.Middleware {
	if t == nil {
		return nil
	}
	return []rivertype.Middleware{&jobs{tracer: t.tracer}}
}

type jobs struct {
	river.MiddlewareDefaults
	tracer trace.Tracer
}

// Work implements rivertype.WorkerMiddleware.
func (j *jobs) Work(ctx context.Context, job *rivertype.JobRow, inner func(context.Context) error) error {
	ctx, span := j.tracer.Start(ctx, "job "+job.Kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("cxm.job.kind", job.Kind), attribute.Int64("cxm.job.id", job.ID), attribute.Int("cxm.job.attempt", job.Attempt),
	))
	defer span.End()
	err := inner(ctx)
	if snooze := (*rivertype.JobSnoozeError)(nil); errors.As(err, &snooze) {
		span.SetAttributes(attribute.String("cxm.job.result", "later"))
	} else if err != nil {
		span.SetStatus(codes.Error, "") // the text of an error may hold what a finding says
	}
	return err
}
