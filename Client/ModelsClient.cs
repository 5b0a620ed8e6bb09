using System.Net;
using System.Net.Http.Json;

namespace InferenceTemplate.Client;

/// <summary>Models, their versions, and which one is stable. What changes anything needs a key of the role <c>admin</c>.</summary>
public sealed class ModelsClient
{
    private readonly ApiTransport _transport;

    internal ModelsClient(ApiTransport transport) => _transport = transport;

    /// <summary>Names of the models that the caller may use.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken = default) =>
        (await _transport.GetAsync("v2/models", ClientJson.Default.ModelNames, cancellationToken).ConfigureAwait(false)).Models;

    /// <summary>Inputs and outputs of a model.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="version">A number or an alias; null for the stable version.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<ModelMetadata> GetAsync(string model, string? version = null, CancellationToken cancellationToken = default) =>
        _transport.GetAsync(ModelPath.Of("v2", model, version), ClientJson.Default.ModelMetadata, cancellationToken);

    /// <summary>Whether a worker has it open, or opens it for the next request; false too where there is no such model.</summary>
    /// <inheritdoc cref="GetAsync"/>
    public async Task<bool> IsReadyAsync(string model, string? version = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _transport.SendAsync(
                new HttpRequestMessage(HttpMethod.Get, $"{ModelPath.Of("v2", model, version)}/ready"),
                static (_, _) => Task.FromResult(true), ApiTransport.ShortLimit, cancellationToken, Repeat.IfUnanswered)
                .ConfigureAwait(false);
        }
        catch (InferenceException exception) when (exception.Status is HttpStatusCode.NotFound or HttpStatusCode.ServiceUnavailable)
        {
            return false;
        }
    }

    /// <summary>
    /// Uploads a version, which is pending until a worker has opened it; <see cref="GetVersionAsync"/> tells. The file is sent while it is
    /// read, and once: nothing of it is held, and nothing is repeated.
    /// </summary>
    /// <param name="model">The model, which need not exist.</param>
    /// <param name="file">The ONNX file, from its present position on; it stays open. What reading it throws is thrown.</param>
    /// <param name="progress">Told the bytes sent so far.</param>
    /// <param name="version">Its number; null for the next.</param>
    /// <param name="cancellationToken">
    /// Ends the upload; there may be a version then, as after <see cref="InferenceError.Unreachable"/>.
    /// </param>
    public Task<ModelVersion> UploadVersionAsync(
        string model, Stream file, IProgress<long>? progress = null, string? version = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"{ModelPath.Of("v1", model)}/versions{(version is null ? "" : $"?version={ModelPath.Name(version, nameof(version))}")}")
        {
            Content = new UploadContent(file, "application/octet-stream", progress),
            // Whoever is refused hears of it before gigabytes are sent.
            Headers = { ExpectContinue = true },
        };
        return _transport.SendAsync(
            request, ApiTransport.JsonOf(ClientJson.Default.ModelVersion), Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>A version in any state.</summary>
    /// <param name="model">Its model.</param>
    /// <param name="version">A number or an alias.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<ModelVersion> GetVersionAsync(string model, string version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        return _transport.GetAsync(ModelPath.Of("v1", model, version), ClientJson.Default.ModelVersion, cancellationToken);
    }

    /// <summary>Makes a version the stable one, which answers requests that name none.</summary>
    /// <inheritdoc cref="GetVersionAsync"/>
    public Task<StableVersion> PromoteAsync(string model, string version, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(version);
        return _transport.PostAsync(
            $"{ModelPath.Of("v1", model)}/promote", JsonContent.Create(new Promotion(version), ClientJson.Default.Promotion),
            ClientJson.Default.StableVersion, cancellationToken);
    }

    /// <summary>Goes back to the version that was stable before.</summary>
    public Task<StableVersion> RollbackAsync(string model, CancellationToken cancellationToken = default) =>
        _transport.PostAsync($"{ModelPath.Of("v1", model)}/rollback", null, ClientJson.Default.StableVersion, cancellationToken);
}
