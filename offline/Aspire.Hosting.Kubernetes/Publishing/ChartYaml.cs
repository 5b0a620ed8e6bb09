using System.Collections;
using Aspire.Hosting.Kubernetes.Resources;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.EventEmitters;
using YamlDotNet.Serialization.NamingConventions;
using YamlDotNet.Serialization.ObjectGraphVisitors;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>YAML as a chart has it: texts quoted, expressions that give numbers not, nothing that is null or empty.</summary>
internal static class ChartYaml
{
    public static ISerializer Serializer { get; } = new SerializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .WithTypeConverter(new PortConverter())
        .WithEventEmitter(next => new QuotedTexts(next))
        .WithEmissionPhaseObjectGraphVisitor(arguments => new WithoutEmpty(arguments.InnerVisitor))
        .ConfigureDefaultValuesHandling(DefaultValuesHandling.OmitNull)
        .WithNewLine("\n")
        .WithIndentedSequences()
        .Build();

    private sealed class PortConverter : IYamlTypeConverter
    {
        public bool Accepts(Type type) => type == typeof(Int32OrStringV1);

        public object ReadYaml(IParser parser, Type type, ObjectDeserializer rootDeserializer) => throw new NotSupportedException("Charts are only written.");

        public void WriteYaml(IEmitter emitter, object? value, Type type, ObjectSerializer serializer)
        {
            var port = (Int32OrStringV1)value!;
            serializer(port.Number is { } number ? number : port.Text ?? string.Empty);
        }
    }

    private sealed class WithoutEmpty(IObjectGraphVisitor<IEmitter> next) : ChainedObjectGraphVisitor(next)
    {
        public override bool EnterMapping(IPropertyDescriptor key, IObjectDescriptor value, IEmitter context, ObjectSerializer serializer) =>
            value.Value is not null
            && !(value.Value is IEnumerable items && !items.Cast<object>().Any())
            && base.EnterMapping(key, value, context, serializer);
    }

    // Keys are texts too, but stand without quotes: in a mapping every other scalar is one.
    private sealed class QuotedTexts(IEventEmitter next) : ChainedEventEmitter(next)
    {
        private readonly Stack<(bool Mapping, int Children)> _open = new([(false, 0)]);

        public override void Emit(ScalarEventInfo eventInfo, IEmitter emitter)
        {
            if (!IsKey() && eventInfo.Source.Type == typeof(string))
            {
                var plain = eventInfo.Source.Value is string text && HelmText.IsPlain(text);
                eventInfo = new(eventInfo.Source) { Style = plain ? ScalarStyle.ForcePlain : ScalarStyle.DoubleQuoted };
            }

            Count();
            base.Emit(eventInfo, emitter);
        }

        public override void Emit(MappingStartEventInfo eventInfo, IEmitter emitter)
        {
            Count();
            _open.Push((true, 0));
            base.Emit(eventInfo, emitter);
        }

        public override void Emit(MappingEndEventInfo eventInfo, IEmitter emitter)
        {
            _open.Pop();
            base.Emit(eventInfo, emitter);
        }

        public override void Emit(SequenceStartEventInfo eventInfo, IEmitter emitter)
        {
            Count();
            _open.Push((false, 0));
            base.Emit(eventInfo, emitter);
        }

        public override void Emit(SequenceEndEventInfo eventInfo, IEmitter emitter)
        {
            _open.Pop();
            base.Emit(eventInfo, emitter);
        }

        private bool IsKey() => _open.Peek() is { Mapping: true, Children: var children } && children % 2 == 0;

        private void Count()
        {
            var (mapping, children) = _open.Pop();
            _open.Push((mapping, children + 1));
        }
    }
}
