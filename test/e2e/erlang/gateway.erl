%% A gateway on Erlang's Diameter application: a stack that shares nothing with ours. It reads
%% commands from its standard input, an Erlang term each, and prints what came of each as a line of
%% JSON:
%%   {connect, Port}.              -> {"up": true}
%%   {call, Name, Map}.            -> {"name": ..., "answer": {...}, "errors": N}
%%   {count, Code, Direction}.     -> {"count": N}   messages of a command, requests and answers
%%   stop.
-module(gateway).
-export([main/1]).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3,
         handle_answer/4, handle_error/4, handle_request/3]).

-include_lib("diameter/include/diameter.hrl").

-define(SERVICE, gateway).
-define(ALIAS, credit_control).

main(Identity) ->
    spawn(fun() -> serve(Identity) end).

serve([Host, Realm]) ->
    ok = diameter:start(),
    ok = diameter:start_service(?SERVICE,
        [{'Origin-Host', Host},
         {'Origin-Realm', Realm},
         {'Vendor-Id', 0},
         {'Product-Name', "Erlang gateway"},
         {'Auth-Application-Id', [4]},
         {string_decode, false},
         {decode_format, map},
         {application, [{alias, ?ALIAS},
                        {dictionary, credit_control},
                        {module, ?MODULE}]}]),
    true = diameter:subscribe(?SERVICE),
    loop().

loop() ->
    case io:read("") of
        {ok, stop} -> stop();
        {ok, Command} -> print(run(Command)), loop();
        eof -> stop();
        {error, Fault} -> print(#{error => Fault}), stop()
    end.

stop() ->
    ok = diameter:stop_service(?SERVICE),
    diameter:stop(),
    init:stop().

run({connect, Port}) ->
    {ok, _} = diameter:add_transport(?SERVICE,
        {connect, [{transport_module, diameter_tcp},
                   {transport_config, [{raddr, {127, 0, 0, 1}}, {rport, Port}]},
                   {watchdog_timer, 6000}]}),
    receive
        {diameter_event, ?SERVICE, Info} when element(1, Info) =:= up -> #{up => true}
    after 10000 -> #{up => false}
    end;
run({call, Name, Request}) ->
    case diameter:call(?SERVICE, ?ALIAS, ['CCR' | Request]) of
        {answer, Answer, Errors} -> #{name => Name, answer => Answer, errors => length(Errors)};
        {error, Reason} -> #{name => Name, error => Reason}
    end;
%% Statistics count by {{Application, Command, R bit}, Direction}.
run({count, Code, Direction}) ->
    Counters = [N || {_, Peer} <- diameter:service_info(?SERVICE, statistics),
                     {{{_, C, _}, D}, N} <- Peer,
                     C =:= Code, D =:= Direction],
    #{count => lists:sum(Counters)};
run(Other) ->
    #{error => io_lib:format("~p", [Other])}.

%% The callbacks of the Diameter application.
peer_up(_Service, _Peer, State) -> State.
peer_down(_Service, _Peer, State) -> State.
pick_peer([Peer | _], _, _Service, _State) -> {ok, Peer};
pick_peer([], _, _Service, _State) -> false.
prepare_request(Packet, _Service, _Peer) -> {send, Packet}.
prepare_retransmit(Packet, _Service, _Peer) -> {send, Packet}.
handle_answer(#diameter_packet{msg = ['CCA' | Answer], errors = Errors}, _, _, _) ->
    {answer, Answer, Errors}.
handle_error(Reason, _Request, _Service, _Peer) -> {error, Reason}.
handle_request(#diameter_packet{msg = ['RAR' | #{'Session-Id' := Id}]}, _, {_, Caps}) ->
    print(#{request => 'RAR', session => Id}),
    #diameter_caps{origin_host = {Host, _}, origin_realm = {Realm, _}} = Caps,
    {reply, ['RAA' | #{'Session-Id' => Id, 'Result-Code' => 2002,
                       'Origin-Host' => Host, 'Origin-Realm' => Realm}]}.

print(Value) ->
    io:format("~ts~n", [json(Value)]).

json(Map) when is_map(Map) ->
    Members = [[json(atom_to_binary(Key)), $:, json(Value)] || {Key, Value} <- maps:to_list(Map)],
    [${, lists:join($,, Members), $}];
json(List) when is_list(List) -> [$[, lists:join($,, [json(One) || One <- List]), $]];
json(Number) when is_integer(Number) -> integer_to_list(Number);
json(true) -> "true";
json(false) -> "false";
json(Atom) when is_atom(Atom) -> json(atom_to_binary(Atom));
json(Text) when is_binary(Text) -> [$", Text, $"];
json(Other) -> json(iolist_to_binary(io_lib:format("~w", [Other]))).
