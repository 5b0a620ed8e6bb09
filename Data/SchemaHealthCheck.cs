using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace InferenceTemplate.Data;

/// <summary>
/// Healthy when the database has every migration that this build knows. Api applies them; all others wait here, since
/// Kubernetes starts everything at once.
/// </summary>
public sealed class SchemaHealthCheck(NpgsqlDataSource dataSource) : IHealthCheck
{
    private volatile bool _current;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // Migrations are never rolled back, so one look that finds them all is enough.
        if (_current)
        {
            return HealthCheckResult.Healthy("The schema is current.");
        }

        try
        {
            await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
            var pending = await AppliedMigrations.PendingAsync(connection, cancellationToken);
            _current = pending == 0;
            return _current
                ? HealthCheckResult.Healthy("The schema is current.")
                : HealthCheckResult.Unhealthy($"{pending} migrations are pending; the Api applies them at its start.");
        }
        catch (Exception exception)
        {
            return HealthCheckResult.Unhealthy("The schema could not be read.", exception);
        }
    }
}
