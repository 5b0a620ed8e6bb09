using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Gpu;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Worker.Gpu;

public sealed class GpuTests
{
    private static readonly GpuStatus Known = new(
        "GPU-00000000-1111-2222-3333-444444444444", "NVIDIA H200", 0.87, 50_000_000_000, 150_754_820_096, 61, 412.5, 7_000_000_000, 2);

    private static readonly GpuStatus Reticent = new("1", "NVIDIA T4", null, 1L << 30, 16L << 30, null, null, null, null);

    [Fact]
    public void Machine_without_the_library_has_no_gpus_and_no_figures()
    {
        using var gpus = new GpuReader("libnosuch-ml.so.1", TimeProvider.System, NullLogger<GpuReader>.Instance);

        Assert.Empty(gpus.Read());
        Assert.Empty(Collect(gpus));
    }

    [Fact]
    public void Library_without_the_functions_has_no_gpus()
    {
        Assert.Null(NvmlLibrary.TryLoad("libc.so.6", out var problem));

        Assert.Contains("nvml", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Structures_are_laid_out_as_in_nvml_h()
    {
        Assert.Equal(8, Unsafe.SizeOf<NvmlUtilization>());
        Assert.Equal(24, Unsafe.SizeOf<NvmlMemory>());
    }

    [Fact]
    public void Figures_are_read_over_the_c_interface_and_what_a_device_does_not_know_is_left_out()
    {
        using var gpus = new GpuReader(Library(), TimeProvider.System, NullLogger<GpuReader>.Instance);

        Assert.Equal([Known, Reticent], gpus.Read());
    }

    [Fact]
    public void Metrics_carry_the_names_of_opentelemetry()
    {
        using var gpus = new GpuReader(Library(), TimeProvider.System, NullLogger<GpuReader>.Instance);

        var metrics = Collect(gpus);

        Assert.Equal(
            [
                $"hw.errors {Known.Id} corrected 7000000000", $"hw.errors {Known.Id} uncorrected 2",
                "hw.gpu.memory.limit 1 17179869184", $"hw.gpu.memory.limit {Known.Id} 150754820096",
                "hw.gpu.memory.usage 1 1073741824", $"hw.gpu.memory.usage {Known.Id} 50000000000",
                $"hw.gpu.utilization {Known.Id} 0.87", $"hw.power {Known.Id} 412.5", $"hw.temperature {Known.Id} 61",
            ],
            metrics.Order(StringComparer.Ordinal));
    }

    private static List<string> Collect(GpuReader gpus)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        _ = new GpuMetrics(meters, gpus).StartAsync(TestContext.Current.CancellationToken);
        var metrics = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Name == Telemetry.Name && instrument.Meter.Scope == meters)
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => metrics.Add(Line(instrument, value, tags)));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => metrics.Add(Line(instrument, value, tags)));
        listener.Start();
        listener.RecordObservableInstruments();
        return metrics;
    }

    private static string Line<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(
        ' ', [instrument.Name, .. tags.ToArray().Where(t => t.Key is "hw.id" or "error.type").Select(t => t.Value), value]);

    // A library with NVML's functions, made by the C compiler: the calls are real, the devices are not.
    private static string Library()
    {
        var library = Path.Combine(AppContext.BaseDirectory, $"libtest-ml-{Guid.NewGuid():N}.so");
        var source = Path.Combine(Repository.Root, "Tests", "Worker", "Gpu", "nvml.c");
        try
        {
            using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source]);
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("needs a C compiler (cc) to build a library with NVML's functions");
        }

        return library;
    }
}
