namespace Aspire.Npgsql;

/// <summary>Settings of the Npgsql client, bound from <c>Aspire:Npgsql</c> and <c>Aspire:Npgsql:{connectionName}</c>.</summary>
public class NpgsqlSettings
{
    /// <summary><c>ConnectionStrings:{connectionName}</c> wins over what the settings' own sections say.</summary>
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }
}
