using InferenceTemplate.Api.Records;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Predictions;

/// <summary>Keeps a record of every prediction.</summary>
internal sealed class PredictionRecorder(PredictionWriter writer, Telemetry telemetry, ILogger<PredictionRecorder> logger)
    : BatchedRecorder<Prediction>(capacity: 20_000, "prediction records", logger)
{
    protected override Task WriteAsync(IReadOnlyCollection<Prediction> records, CancellationToken cancellationToken) =>
        writer.WriteAsync(records, cancellationToken);

    protected override void Shed(int records) => telemetry.Shed(records);
}

internal static class PredictionRegistration
{
    public static IServiceCollection AddPredictions(this IServiceCollection services)
    {
        services.AddSingleton<PredictionWriter>();
        services.AddSingleton<PredictionRecorder>();
        services.AddSingleton<RejectionSample>();
        services.AddHostedService(provider => provider.GetRequiredService<PredictionRecorder>());
        return services;
    }
}
